package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
)

// mark is what tells one state of a resource from the next.
var mark = regexp.MustCompile(`change-\d{9}`)

// store is a cache of go-control-plane that can be told what a group has.
type store interface {
	cache.Cache
	// expect says which nodes are to come.
	expect(ids []string)
	// put serves what changed.
	put(group string, changes []change) error
	// encode does what is else left until the first client asks: versions and bytes.
	encode(group string, changes []change) error
}

// command is one line of standard input; kinds leave fields empty.
type command struct {
	Do        string   `json:"do"`
	Group     string   `json:"group"`
	Resources []named  `json:"resources"`
	IDs       []string `json:"ids"`
	Times     int      `json:"times"`
}

type changed struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

type built struct {
	Cold    []float64 `json:"cold"`
	Changed []float64 `json:"changed"`
}

type refused struct {
	Error string `json:"error"`
}

type done struct{}

// orders does what the commands ask for.
type orders struct {
	store  store
	fresh  func() store
	states map[string]state
}

func newOrders(of store, fresh func() store) *orders {
	return &orders{of, fresh, map[string]state{}}
}

// obey answers every line until there are no more.
func obey(in io.Reader, out io.Writer, by *orders) error {
	if _, err := (named{TypeURL: resource.ClusterType}).message(); err != nil { // what types take is no resource's memory
		return err
	}
	lines, answers := bufio.NewReaderSize(in, 1<<20), json.NewEncoder(out)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		answer, err := by.do(line)
		if err != nil {
			answer = refused{err.Error() + ": see benchmarks/server/control.py for what a command is"}
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
}

func (o *orders) do(line []byte) (any, error) {
	var asked command
	if err := json.Unmarshal(line, &asked); err != nil {
		return nil, err
	}
	switch asked.Do {
	case "set":
		return o.change(asked, state{})
	case "update":
		now, found := o.states[asked.Group]
		if !found {
			now = state{}
		}
		return o.change(asked, now)
	case "nodes":
		o.store.expect(asked.IDs)
		return done{}, nil
	case "collect":
		runtime.GC() // what pools keep outlives one collection
		debug.FreeOSMemory()
		return done{}, nil
	case "build":
		return o.build(asked)
	}
	return nil, fmt.Errorf("there is no command %q", asked.Do)
}

// change puts the resources into what the group has, and serves it.
func (o *orders) change(asked command, now state) (any, error) {
	if asked.Group == "" {
		return nil, fmt.Errorf("a %s must name its group", asked.Do)
	}
	changes, err := now.put(asked.Resources)
	if err != nil {
		return nil, err
	}
	changes = append(changes, now.gone(o.states[asked.Group])...)
	start := monotonic()
	if err := o.store.put(asked.Group, changes); err != nil {
		return nil, err
	}
	end := monotonic()
	o.states[asked.Group] = now
	return changed{start, end}, nil
}

// build puts everything into new caches, and then one change after the other into the last of them.
func (o *orders) build(asked command) (any, error) {
	if len(asked.Resources) == 0 || !mark.Match(asked.Resources[0].Value) {
		return nil, errors.New("the first resource of a build must have a mark such as change-000000001")
	}
	now := state{}
	whole, err := now.put(asked.Resources)
	if err != nil {
		return nil, err
	}
	costs, last := built{}, o.empty()
	for range asked.Times {
		last = o.empty()
		cost, err := timed(last, whole)
		if err != nil {
			return nil, err
		}
		costs.Cold = append(costs.Cold, cost)
	}
	for number := range asked.Times {
		one := asked.Resources[0]
		one.Value = mark.ReplaceAll(slices.Clone(one.Value), fmt.Appendf(nil, "change-9%08d", number))
		changes, err := now.put([]named{one})
		if err != nil {
			return nil, err
		}
		cost, err := timed(last, changes)
		if err != nil {
			return nil, err
		}
		costs.Changed = append(costs.Changed, cost)
	}
	return costs, nil
}

// alone is the group of what is built only.
const alone = "alone"

func (o *orders) empty() store {
	made := o.fresh()
	made.expect([]string{alone})
	return made
}

// timed is how many CPU seconds it takes until all that changed can be sent.
func timed(in store, changes []change) (float64, error) {
	runtime.GC()
	start := processTime()
	if err := in.put(alone, changes); err != nil {
		return 0, err
	}
	if err := in.encode(alone, changes); err != nil {
		return 0, err
	}
	return processTime() - start, nil
}

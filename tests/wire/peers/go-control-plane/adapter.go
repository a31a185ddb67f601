package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync"
)

// offerer is a cache that can be given the state of a node group.
type offerer interface {
	offer(group string, before, now state) error
	clear(group string, before state) error
}

// command is what a caller of the adapter sends.
type command struct {
	Group     string  `json:"group"`
	Version   string  `json:"version"`
	Resources []named `json:"resources"`
}

// adapter changes what the groups are to have, over HTTP, one command at a time.
type adapter struct {
	mu     sync.Mutex
	cache  offerer
	states map[string]state
}

func newAdapter(cache offerer) http.Handler {
	made := &adapter{cache: cache, states: map[string]state{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /set", made.taking(made.set))
	mux.HandleFunc("POST /add", made.taking(made.put))
	mux.HandleFunc("POST /update", made.taking(made.put))
	mux.HandleFunc("POST /remove", made.taking(made.remove))
	mux.HandleFunc("POST /clear", made.taking(made.clear))
	return mux
}

func (a *adapter) set(asked command) error {
	now := newState()
	if err := now.put(asked); err != nil {
		return err
	}
	return a.offer(asked.Group, now)
}

func (a *adapter) put(asked command) error {
	now := a.states[asked.Group].clone()
	if err := now.put(asked); err != nil {
		return err
	}
	return a.offer(asked.Group, now)
}

func (a *adapter) remove(asked command) error {
	now := a.states[asked.Group].clone()
	now.remove(asked)
	return a.offer(asked.Group, now)
}

func (a *adapter) clear(asked command) error {
	before := a.states[asked.Group]
	delete(a.states, asked.Group)
	return a.cache.clear(asked.Group, before)
}

// offer gives the cache the new state of the group, which is the group's when the cache took it.
func (a *adapter) offer(group string, now state) error {
	if err := a.cache.offer(group, a.states[group], now); err != nil {
		return err
	}
	a.states[group] = now
	return nil
}

// taking answers 200 with {} when the command is done, 501 when it cannot be done here, else 400.
func (a *adapter) taking(do func(asked command) error) http.HandlerFunc {
	return func(answer http.ResponseWriter, request *http.Request) {
		var asked command
		err := json.NewDecoder(request.Body).Decode(&asked)
		if err == nil {
			a.mu.Lock()
			err = do(asked)
			a.mu.Unlock()
		}
		told := map[string]string{}
		answer.Header().Set("Content-Type", "application/json")
		if err != nil {
			told["error"] = err.Error()
			answer.WriteHeader(codeOf(err))
		}
		json.NewEncoder(answer).Encode(told) //nolint:errcheck // the caller is gone
	}
}

func codeOf(err error) int {
	if errors.Is(err, errNotOffered) {
		return http.StatusNotImplemented
	}
	return http.StatusBadRequest
}

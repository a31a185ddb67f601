package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
)

// named is one resource as a command has it.
type named struct {
	TypeURL string `json:"type_url"`
	Name    string `json:"name"`
	Value   []byte `json:"value"`
}

// message is the resource as a program holds it that makes one.
func (n named) message() (types.Resource, error) {
	if cache.GetResponseType(n.TypeURL) == types.UnknownType {
		return nil, fmt.Errorf("go-control-plane does not know the type %q", n.TypeURL)
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByURL(n.TypeURL)
	if err != nil {
		return nil, err
	}
	made := kind.New().Interface()
	if err := proto.Unmarshal(n.Value, made); err != nil {
		return nil, fmt.Errorf("%q is no %s: %w", n.Name, n.TypeURL, err)
	}
	return made, nil
}

// state is what one group has: type URL -> name -> message.
type state map[string]map[string]types.Resource

// change is what happened to one type of a group.
type change struct {
	typeURL string
	// all is what the group has of it now.
	all []types.Resource
	// new is what it had not before, or not so; gone tells that it has lost all else.
	new  map[string]types.Resource
	lost bool
}

// with is this state with these resources in the place of those of their names, and what changes by that.
func (s state) with(resources []named) (state, []change, error) {
	arrived := state{}
	for _, one := range resources {
		message, err := one.message()
		if err != nil {
			return nil, nil, err
		}
		if arrived[one.TypeURL] == nil {
			arrived[one.TypeURL] = map[string]types.Resource{}
		}
		arrived[one.TypeURL][one.Name] = message
	}
	now, changes := state{}, []change{}
	maps.Copy(now, s)
	for typeURL, messages := range arrived {
		now[typeURL] = maps.Clone(messages)
		if before, found := s[typeURL]; found {
			now[typeURL] = maps.Clone(before)
			maps.Copy(now[typeURL], messages)
		}
		all := slices.Collect(maps.Values(now[typeURL]))
		changes = append(changes, change{typeURL: typeURL, all: all, new: messages, lost: len(all) == len(messages)})
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.typeURL, b.typeURL) })
	return now, changes, nil
}

// gone are the types that were there before, and are not in this state.
func (s state) gone(before state) []change {
	var found []change
	for typeURL := range before {
		if _, kept := s[typeURL]; !kept {
			found = append(found, change{typeURL: typeURL, lost: true})
		}
	}
	return found
}

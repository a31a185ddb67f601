package main

import (
	"cmp"
	"fmt"
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

// held is what a group has of one type, and where in the list each name is.
type held struct {
	list []types.Resource
	at   map[string]int
}

// state is what one group has, by type URL.
type state map[string]*held

// change is what happened to one type of a group.
type change struct {
	typeURL string
	// all is what the group has of it now, as long as nothing else happens.
	all []types.Resource
	// new is what it had not before, or not so; lost tells that it has nothing else.
	new  map[string]types.Resource
	lost bool
}

// put takes resources in the place of those of their names; what changes by that.
func (s state) put(resources []named) ([]change, error) {
	arrived := map[string]map[string]types.Resource{}
	for _, one := range resources {
		message, err := one.message()
		if err != nil {
			return nil, err
		}
		if arrived[one.TypeURL] == nil {
			arrived[one.TypeURL] = map[string]types.Resource{}
		}
		arrived[one.TypeURL][one.Name] = message
	}
	var changes []change
	for typeURL, messages := range arrived {
		if s[typeURL] == nil {
			s[typeURL] = &held{at: map[string]int{}}
		}
		all := s[typeURL].put(messages)
		changes = append(changes, change{typeURL: typeURL, all: all, new: messages, lost: len(all) == len(messages)})
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.typeURL, b.typeURL) })
	return changes, nil
}

// put is the list with these messages in it.
func (h *held) put(messages map[string]types.Resource) []types.Resource {
	for name, one := range messages {
		if at, found := h.at[name]; found {
			h.list[at] = one
		} else {
			h.at[name] = len(h.list)
			h.list = append(h.list, one)
		}
	}
	return h.list
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

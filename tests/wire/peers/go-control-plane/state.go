package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
)

// errNotOffered is what go-control-plane, or this set-up of it, has no way to do.
var errNotOffered = errors.New("is not offered by this set-up of go-control-plane")

// named is one resource as a caller of the adapter writes it.
type named struct {
	TypeURL string   `json:"type_url"`
	Name    string   `json:"name"`
	Value   []byte   `json:"value"`
	TTL     float64  `json:"ttl"`
	Aliases []string `json:"aliases"`
}

// opaque is a resource that go-control-plane need not understand: a message without fields keeps the bytes as they are.
type opaque struct {
	*emptypb.Empty
	name string
}

func (o opaque) GetName() string { return o.name }

// body is one resource and the bytes it came from; a ttl of 0 is none.
type body struct {
	bytes   []byte
	message types.Resource
	ttl     time.Duration
}

// same tells whether both are one resource.
func (b body) same(other body) bool {
	return b.ttl == other.ttl && bytes.Equal(b.bytes, other.bytes)
}

// state is what one node group is to have, type URL -> name -> body, and the version of each type.
type state struct {
	bodies   map[string]map[string]body
	versions map[string]string
}

func newState() state {
	return state{map[string]map[string]body{}, map[string]string{}}
}

// clone is a state of its own, of the same bodies.
func (s state) clone() state {
	made := newState()
	for typeURL, bodies := range s.bodies {
		made.bodies[typeURL] = maps.Clone(bodies)
	}
	maps.Copy(made.versions, s.versions)
	return made
}

// read makes a resource of it that is served as the bytes that came.
func (n named) read() (body, error) {
	if cache.GetResponseType(n.TypeURL) == types.UnknownType {
		return body{}, fmt.Errorf("%s %w", n.TypeURL, errNotOffered)
	}
	if len(n.Aliases) > 0 {
		return body{}, fmt.Errorf("an alias of a resource %w", errNotOffered)
	}
	message := opaque{&emptypb.Empty{}, n.Name}
	message.ProtoReflect().SetUnknown(n.Value)
	return body{n.Value, message, time.Duration(n.TTL * float64(time.Second))}, nil
}

// put adds or replaces resources, whose types are at this version then.
func (s state) put(asked command) error {
	for _, one := range asked.Resources {
		read, err := one.read()
		if err != nil {
			return err
		}
		if s.bodies[one.TypeURL] == nil {
			s.bodies[one.TypeURL] = map[string]body{}
		}
		s.bodies[one.TypeURL][one.Name] = read
		s.versions[one.TypeURL] = asked.Version
	}
	return nil
}

// remove takes resources away; their types are at this version then.
func (s state) remove(asked command) {
	for _, one := range asked.Resources {
		delete(s.bodies[one.TypeURL], one.Name)
		s.versions[one.TypeURL] = asked.Version
	}
}

// hash is that of the names and bytes of one type: it stays while nothing of the type changes.
func (s state) hash(typeURL string) string {
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(s.bodies[typeURL])) {
		one := s.bodies[typeURL][name]
		fmt.Fprintf(hash, "%d %s %d %v ", len(name), name, len(one.bytes), one.ttl)
		hash.Write(one.bytes)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

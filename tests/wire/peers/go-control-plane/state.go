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

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	// Secrets are found by their type URL.
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
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

// body is one resource, decoded, and the bytes it came from; a ttl of 0 is none.
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

// read decodes a resource by the message class of its type.
func (n named) read() (body, error) {
	if cache.GetResponseType(n.TypeURL) == types.UnknownType {
		return body{}, fmt.Errorf("%s %w", n.TypeURL, errNotOffered)
	}
	if len(n.Aliases) > 0 {
		return body{}, fmt.Errorf("an alias of a resource %w", errNotOffered)
	}
	class, err := protoregistry.GlobalTypes.FindMessageByURL(n.TypeURL)
	if err != nil {
		return body{}, err
	}
	message := class.New().Interface()
	if err := proto.Unmarshal(n.Value, message); err != nil {
		return body{}, fmt.Errorf("%s %q: %w", n.TypeURL, n.Name, err)
	}
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

package main

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
)

// order is that in which a change is told to the caches, each of which knows its own type only.
var order = []string{
	resource.ClusterType, resource.EndpointType, resource.SecretType, resource.ListenerType, resource.RouteType,
	resource.ScopedRouteType, resource.VirtualHostType, resource.RuntimeType, resource.ExtensionConfigType,
	resource.RateLimitConfigType,
}

// linears offers the state of a group as one linear cache a type, behind a mux (set-up L). A linear cache knows no
// nodes, so that each group has a mux of its own.
type linears struct {
	mu    sync.Mutex
	muxes map[string]*cache.MuxCache
}

func newLinears() *linears {
	return &linears{muxes: map[string]*cache.MuxCache{}}
}

func (l *linears) CreateWatch(request *cache.Request, sub cache.Subscription, out chan cache.Response) (func(), error) {
	return l.mux(request.GetNode().GetCluster()).CreateWatch(request, sub, out)
}

func (l *linears) CreateDeltaWatch(request *cache.DeltaRequest, sub cache.Subscription, out chan cache.DeltaResponse) (func(), error) {
	return l.mux(request.GetNode().GetCluster()).CreateDeltaWatch(request, sub, out)
}

// Fetch is not implemented by linear caches, which say so in words only.
func (l *linears) Fetch(context.Context, *cache.Request) (cache.Response, error) {
	return nil, status.Error(codes.Unimplemented, "fetch is not implemented by LinearCache")
}

// offer tells each cache what changed; the version of a linear cache is its own.
func (l *linears) offer(group string, before, now state) error {
	mux := l.mux(group)
	for _, typeURL := range order {
		updates, deletes, err := changes(before.bodies[typeURL], now.bodies[typeURL])
		if err != nil {
			return err
		}
		if len(updates)+len(deletes) == 0 {
			continue
		}
		if err := mux.Caches[typeURL].(*cache.LinearCache).UpdateResources(updates, deletes); err != nil {
			return err
		}
	}
	return nil
}

// clear leaves nothing of the group: that it is not known is no state of a linear cache.
func (l *linears) clear(group string, before state) error {
	return l.offer(group, before, newState())
}

// mux is that of the group, made when it is asked for first.
func (l *linears) mux(group string) *cache.MuxCache {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.muxes[group] == nil {
		l.muxes[group] = newMux()
	}
	return l.muxes[group]
}

func newMux() *cache.MuxCache {
	made := &cache.MuxCache{
		Classify:      func(request *cache.Request) string { return request.GetTypeUrl() },
		ClassifyDelta: func(request *cache.DeltaRequest) string { return request.GetTypeUrl() },
		Caches:        map[string]cache.Cache{},
	}
	for _, typeURL := range order {
		made.Caches[typeURL] = cache.NewLinearCache(typeURL)
	}
	return made
}

// changes are what is new or has new bytes, and the names of what is gone.
func changes(before, now map[string]body) (map[string]types.Resource, []string, error) {
	updates, deletes := map[string]types.Resource{}, []string{}
	for name, one := range now {
		if one.ttl > 0 {
			return nil, nil, fmt.Errorf("a TTL %w", errNotOffered)
		}
		if old, found := before[name]; !found || !one.same(old) {
			updates[name] = one.message
		}
	}
	for name := range before {
		if _, found := now[name]; !found {
			deletes = append(deletes, name)
		}
	}
	return updates, deletes, nil
}

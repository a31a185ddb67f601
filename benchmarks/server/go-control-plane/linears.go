package main

import (
	"context"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
)

// linearTypes are those that there is a cache for.
var linearTypes = []string{
	resource.ClusterType, resource.EndpointType, resource.SecretType, resource.ListenerType, resource.RouteType,
	resource.ScopedRouteType, resource.VirtualHostType, resource.RuntimeType, resource.ExtensionConfigType,
	resource.RateLimitConfigType,
}

// linears serves from one linear cache a type, behind a mux. A linear cache knows no nodes: each group has a mux.
type linears struct {
	mu    sync.Mutex
	muxes map[string]*cache.MuxCache
}

func newLinears() store { return &linears{muxes: map[string]*cache.MuxCache{}} }

func (l *linears) expect([]string) {}

func (l *linears) put(group string, changes []change) error {
	mux := l.mux(group)
	for _, one := range changes {
		of := mux.Caches[one.typeURL].(*cache.LinearCache)
		if one.lost {
			of.SetResources(one.new)
		} else if err := of.UpdateResources(one.new, nil); err != nil {
			return err
		}
	}
	return nil
}

// encode makes what a linear cache makes of a resource when it is sent first, and keeps.
func (l *linears) encode(_ string, changes []change) error {
	for _, one := range changes {
		bodies, err := marshaled(one.new)
		if err != nil {
			return err
		}
		for _, body := range bodies {
			cache.HashResource(body)
		}
	}
	return nil
}

func (l *linears) CreateWatch(request *cache.Request, sub cache.Subscription, out chan cache.Response) (func(), error) {
	return l.mux(request.GetNode().GetCluster()).CreateWatch(request, sub, out)
}

func (l *linears) CreateDeltaWatch(request *cache.DeltaRequest, sub cache.Subscription, out chan cache.DeltaResponse) (func(), error) {
	return l.mux(request.GetNode().GetCluster()).CreateDeltaWatch(request, sub, out)
}

// Fetch is not implemented by linear caches.
func (l *linears) Fetch(context.Context, *cache.Request) (cache.Response, error) {
	return nil, status.Error(codes.Unimplemented, "fetch is not implemented by LinearCache")
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
	for _, typeURL := range linearTypes {
		made.Caches[typeURL] = cache.NewLinearCache(typeURL)
	}
	return made
}

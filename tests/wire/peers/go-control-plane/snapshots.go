package main

import (
	"context"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
)

// heartbeat is how often the clients of resources with a TTL hear that these still live.
const heartbeat = 250 * time.Millisecond

// byCluster groups nodes as the adapter does.
type byCluster struct{}

func (byCluster) ID(node *core.Node) string { return node.GetCluster() }

// snapshots offers the state of a group as one snapshot (set-ups S, A and O).
//
// With content, every type has a version, which is the hash of what it holds. Without it, a type that is held has the
// version of the call, as from cache.NewSnapshot, and one that is not held has none.
type snapshots struct {
	cache.SnapshotCache
	content bool
}

func newSnapshots(ads, content bool) snapshots {
	made := cache.NewSnapshotCacheWithHeartbeating(context.Background(), ads, byCluster{}, nil, heartbeat)
	return snapshots{made, content}
}

func (s snapshots) offer(group string, _, now state) error {
	made := &cache.Snapshot{}
	for index := range made.Resources {
		typeURL, err := cache.GetResponseTypeURL(types.ResponseType(index))
		if err != nil {
			return err
		}
		made.Resources[index] = cache.NewResourcesWithTTL(s.version(now, typeURL), withTTL(now.bodies[typeURL]))
	}
	return s.SetSnapshot(context.Background(), group, made)
}

func (s snapshots) clear(group string, _ state) error {
	s.ClearSnapshot(group)
	return nil
}

func (s snapshots) version(now state, typeURL string) string {
	if s.content {
		return now.hash(typeURL)
	}
	return now.versions[typeURL]
}

func withTTL(bodies map[string]body) []types.ResourceWithTTL {
	made := make([]types.ResourceWithTTL, 0, len(bodies))
	for _, one := range bodies {
		with := types.ResourceWithTTL{Resource: one.message}
		if one.ttl > 0 {
			with.TTL = &one.ttl
		}
		made = append(made, with)
	}
	return made
}

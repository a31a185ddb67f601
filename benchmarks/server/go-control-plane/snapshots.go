package main

import (
	"context"
	"slices"
	"strconv"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
)

// byCluster makes a group of all nodes of a cluster.
type byCluster struct{}

func (byCluster) ID(node *core.Node) string { return node.GetCluster() }

// snapshots serves from a snapshot cache. A type has a version that counts its changes, the cheapest there is, so that a
// change of one type sends nothing of the others.
type snapshots struct {
	cache.SnapshotCache
	byNode  bool
	nodes   []string
	last    map[string]*cache.Snapshot
	version uint64
}

func newGroupSnapshots() store { return newSnapshots(byCluster{}, false) }

func newNodeSnapshots() store { return newSnapshots(cache.IDHash{}, true) }

func newSnapshots(hash cache.NodeHash, byNode bool) store {
	made := cache.NewSnapshotCache(false, hash, nil)
	return &snapshots{SnapshotCache: made, byNode: byNode, last: map[string]*cache.Snapshot{}}
}

func (s *snapshots) expect(ids []string) {
	for _, one := range s.nodes {
		if !slices.Contains(ids, one) {
			s.ClearSnapshot(one)
		}
	}
	s.nodes = ids
}

func (s *snapshots) put(group string, changes []change) error {
	s.version++
	before := s.last[group]
	for _, key := range s.keys(group) {
		s.last[group] = s.next(before, changes)
		if err := s.SetSnapshot(context.Background(), key, s.last[group]); err != nil {
			return err
		}
	}
	return nil
}

// keys are those of the snapshots of a group.
func (s *snapshots) keys(group string) []string {
	if s.byNode {
		return s.nodes
	}
	return []string{group}
}

// next is a new snapshot with the changes, which shares with the one before what stays.
func (s *snapshots) next(before *cache.Snapshot, changes []change) *cache.Snapshot {
	made := &cache.Snapshot{}
	if before != nil {
		made.Resources = before.Resources
	}
	for _, one := range changes {
		made.Resources[cache.GetResponseType(one.typeURL)] = cache.NewResources(strconv.FormatUint(s.version, 10), one.all)
	}
	return made
}

// encode makes the versions of all resources, as every new snapshot does, and the bytes of the new ones.
func (s *snapshots) encode(group string, changes []change) error {
	if err := s.last[group].ConstructVersionMap(); err != nil {
		return err
	}
	for _, one := range changes {
		if _, err := marshaled(one.new); err != nil {
			return err
		}
	}
	return nil
}

func marshaled(resources map[string]types.Resource) ([][]byte, error) {
	made := make([][]byte, 0, len(resources))
	for _, one := range resources {
		body, err := cache.MarshalResource(one)
		if err != nil {
			return nil, err
		}
		made = append(made, body)
	}
	return made, nil
}

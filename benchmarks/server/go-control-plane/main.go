// A go-control-plane server that is measured: what it serves is told to it line by line, see ../control.py.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	clusters "github.com/envoyproxy/go-control-plane/envoy/service/cluster/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	endpoints "github.com/envoyproxy/go-control-plane/envoy/service/endpoint/v3"
	listeners "github.com/envoyproxy/go-control-plane/envoy/service/listener/v3"
	routes "github.com/envoyproxy/go-control-plane/envoy/service/route/v3"
	secrets "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"

	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
)

const module = "github.com/envoyproxy/go-control-plane"

// setup is one way to put go-control-plane together.
type setup struct {
	name string
	note string
	make func() store
}

var setups = map[string]setup{
	"group":  {"go-control-plane", "snapshot cache, all nodes in one group", newGroupSnapshots},
	"node":   {"go-control-plane, per node", "snapshot cache, a snapshot for each node", newNodeSnapshots},
	"linear": {"go-control-plane, linear", "linear caches behind a mux", newLinears},
}

func main() {
	name := flag.String("setup", "group", "group, node or linear")
	port := flag.Uint("port", 0, "where to listen on 127.0.0.1; 0 takes any free port")
	flag.Parse()
	chosen, found := setups[*name]
	if !found {
		log.Fatalf("there is no set-up %q: take group, node or linear", *name)
	}
	served := chosen.make()
	told := hello{chosen.name, version(), serve(served, *port), chosen.note, os.Getpid()}
	if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
		log.Fatal(err)
	}
	if err := obey(input(), os.Stdout, newOrders(served, chosen.make)); err != nil {
		log.Fatal(err)
	}
}

// input is standard input by way of the poller. A read that blocks its thread keeps the processor for up to 10 ms, and on
// one core there is no other to serve proxies meanwhile.
func input() io.Reader {
	if err := unix.SetNonblock(0, true); err != nil {
		log.Fatal(err)
	}
	return os.NewFile(0, "stdin")
}

// hello is the first line of a measured server.
type hello struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	XDS     string `json:"xds"`
	Note    string `json:"note"`
	PID     int    `json:"pid"`
}

// serve offers the cache, and returns where.
func serve(of store, port uint) string {
	at, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		log.Fatal(err)
	}
	xds := register(server.NewServer(context.Background(), of, nil))
	go func() { log.Fatal(xds.Serve(at)) }()
	return at.Addr().String()
}

// register offers ADS and the single-type services with the settings of go-control-plane's own example, and room for the
// first message of a large Envoy, which is gRPC's matter.
func register(xds server.Server) *grpc.Server {
	made := grpc.NewServer(
		grpc.MaxConcurrentStreams(1_000_000),
		grpc.MaxRecvMsgSize(64<<20),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 5 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 30 * time.Second, PermitWithoutStream: true}),
	)
	discovery.RegisterAggregatedDiscoveryServiceServer(made, xds)
	clusters.RegisterClusterDiscoveryServiceServer(made, xds)
	endpoints.RegisterEndpointDiscoveryServiceServer(made, xds)
	listeners.RegisterListenerDiscoveryServiceServer(made, xds)
	routes.RegisterRouteDiscoveryServiceServer(made, xds)
	routes.RegisterScopedRoutesDiscoveryServiceServer(made, xds)
	routes.RegisterVirtualHostDiscoveryServiceServer(made, xds)
	secrets.RegisterSecretDiscoveryServiceServer(made, xds)
	return made
}

// version is that of go-control-plane and of what it stands on, as they were built in.
func version() string {
	info, found := debug.ReadBuildInfo()
	if !found {
		return "unknown"
	}
	of := map[string]string{}
	for _, one := range info.Deps {
		of[one.Path] = one.Version
	}
	return fmt.Sprintf("%s (grpc-go %s, %s)", of[module], of["google.golang.org/grpc"], info.GoVersion)
}

// A go-control-plane server as a target of the wire suite: what it serves is told to it over HTTP.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	clusters "github.com/envoyproxy/go-control-plane/envoy/service/cluster/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	endpoints "github.com/envoyproxy/go-control-plane/envoy/service/endpoint/v3"
	extensions "github.com/envoyproxy/go-control-plane/envoy/service/extension/v3"
	listeners "github.com/envoyproxy/go-control-plane/envoy/service/listener/v3"
	routes "github.com/envoyproxy/go-control-plane/envoy/service/route/v3"
	runtimes "github.com/envoyproxy/go-control-plane/envoy/service/runtime/v3"
	secrets "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	// What the REST gateway must know to write it as JSON, beside the types of the services.
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"

	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/sotw/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
)

const module = "github.com/envoyproxy/go-control-plane"

// offering is a cache of go-control-plane that the adapter can write to.
type offering interface {
	cache.Cache
	offerer
}

var notes = map[string]string{
	"S": "snapshot cache",
	"A": "snapshot cache with ads=true",
	"O": "snapshot cache with ads=true, ordered ADS",
	"L": "linear caches behind a mux",
}

func main() {
	setup := flag.String("setup", "O", "S: snapshot cache; A: with ads=true; O: and ordered ADS; L: linear caches behind a mux")
	content := flag.Bool("content-versions", false, "the version of every type is a hash of what it holds, not that of the call")
	flag.Parse()
	if notes[*setup] == "" {
		log.Fatalf("there is no set-up %q: take S, A, O or L", *setup)
	}
	if err := serve(*setup, *content); err != nil {
		log.Fatal(err)
	}
	io.Copy(io.Discard, os.Stdin) //nolint:errcheck // its end is all that is waited for
}

// serve opens the ports, tells them, and returns while they are served.
func serve(setup string, content bool) error {
	offered, xds := build(setup, content)
	told := map[string]string{"name": "go-control-plane " + setup, "version": version(), "note": notes[setup]}
	if content {
		told["note"] += ", versions by content"
	}
	told["xds"] = open(func(at net.Listener) error { return register(xds).Serve(at) })
	if setup != "L" { // whose caches have no Fetch
		told["rest"] = "http://" + open(func(at net.Listener) error {
			return http.Serve(at, gateway{server.HTTPGateway{Server: xds}})
		})
	}
	told["adapter"] = "http://" + open(func(at net.Listener) error { return http.Serve(at, newAdapter(offered)) })
	return json.NewEncoder(os.Stdout).Encode(told)
}

func build(setup string, content bool) (offering, server.Server) {
	switch setup {
	case "L":
		made := newLinears()
		return made, server.NewServer(context.Background(), made, nil)
	case "O":
		made := newSnapshots(true, content)
		return made, server.NewServer(context.Background(), made, nil, sotw.WithOrderedADS())
	default:
		made := newSnapshots(setup == "A", content)
		return made, server.NewServer(context.Background(), made, nil)
	}
}

// open serves on a free port of 127.0.0.1 and returns the address.
func open(serve func(net.Listener) error) string {
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(serve(at)) }()
	return at.Addr().String()
}

// register offers ADS and every single-type service, with the settings of go-control-plane's own example, and room for the
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
	runtimes.RegisterRuntimeDiscoveryServiceServer(made, xds)
	extensions.RegisterExtensionConfigDiscoveryServiceServer(made, xds)
	return made
}

// gateway is go-control-plane's REST gateway as a handler.
type gateway struct{ of server.HTTPGateway }

func (g gateway) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	body, code, err := g.of.ServeHTTP(request)
	if err != nil {
		body = fmt.Appendln(nil, err)
	}
	answer.WriteHeader(code)
	answer.Write(body) //nolint:errcheck // the client is gone
}

// version is that of go-control-plane, as it was built in.
func version() string {
	if info, found := debug.ReadBuildInfo(); found {
		for _, one := range info.Deps {
			if one.Path == module {
				return one.Version
			}
		}
	}
	return "unknown"
}

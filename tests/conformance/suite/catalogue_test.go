package suite

import (
	"encoding/json"
	"os"
	"testing"

	"sigs.k8s.io/gateway-api/conformance/tests"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

var profiles = []suite.ConformanceProfile{
	suite.GatewayHTTPConformanceProfile,
	suite.GatewayGRPCConformanceProfile,
	suite.GatewayTLSConformanceProfile,
	suite.GatewayTCPConformanceProfile,
	suite.GatewayUDPConformanceProfile,
}

// entry is one test: the profiles in which it counts, as core or as extended, and the features that it needs.
type entry struct {
	Name     string                 `json:"name"`
	Levels   map[string]string      `json:"levels"`
	Features []features.FeatureName `json:"features"`
}

// TestCatalogue writes every test as a line of JSON into the file that CATALOGUE names.
func TestCatalogue(t *testing.T) {
	file, err := os.Create(os.Getenv("CATALOGUE"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := json.NewEncoder(file)
	for _, test := range tests.ConformanceTests {
		if err := lines.Encode(entry{test.ShortName, levels(test), test.Features}); err != nil {
			t.Fatal(err)
		}
	}
}

// levels tells in which profiles a test counts: in those that have all of its features; as core when all of them are core.
func levels(test suite.ConformanceTest) map[string]string {
	found := map[string]string{}
	for _, profile := range profiles {
		core := profile.CoreFeatures.HasAll(test.Features...)
		if core {
			found[string(profile.Name)] = "core"
		} else if profile.CoreFeatures.Union(profile.ExtendedFeatures).HasAll(test.Features...) {
			found[string(profile.Name)] = "extended"
		}
	}
	return found
}

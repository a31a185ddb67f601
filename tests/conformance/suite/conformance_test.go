// Package suite is the official conformance suite of Gateway API as a test program, and the list of its tests.
package suite

import (
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
)

// TestConformance runs the suite. It takes the suite's own flags.
func TestConformance(t *testing.T) {
	conformance.RunConformance(t)
}

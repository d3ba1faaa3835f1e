package simulator_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a Spine leaves anything running after Close.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

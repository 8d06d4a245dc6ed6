package streamtest_test

import (
	"testing"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream/streamtest"
)

func on(profile memory.Profile) func(testing.TB) streamtest.Harness {
	return func(t testing.TB) streamtest.Harness { return harness(t, memory.Config{Profile: profile}) }
}

func TestProfilesDifferAsExpected(t *testing.T) {
	streamtest.Same(t, on(memory.Kinesis), on(memory.Strict))
}

func TestAProfileIsTheSameAsItself(t *testing.T) {
	streamtest.Same(t, on(memory.Strict), on(memory.Strict))
}

package streamtest

import (
	"testing"
	"testing/synctest"
)

// inBubble runs f in a bubble of package synctest.
func inBubble(t *testing.T, f func(*testing.T)) { synctest.Test(t, f) }

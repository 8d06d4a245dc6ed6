package field

import (
	"fmt"
	"os"
	"testing"
)

// TestMain lets this executable be a worker as well.
func TestMain(m *testing.M) {
	if working, err := Work(os.Args); working {
		if err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

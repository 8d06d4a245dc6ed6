package main

import (
	"fmt"
	"os"
	"testing"
)

// The test's program stands for this one where that is started again as a child.
func TestMain(m *testing.M) {
	if mine, err := actAsChild(os.Args[1:]); mine {
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

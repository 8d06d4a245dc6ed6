package main

import (
	"errors"
	"os"

	"github.com/streamport-go/streamport/stream"
)

// A store is where checkpoints live: nil stands for the backend.
type store struct {
	checkpointer stream.Checkpointer
	temporary    string // a directory to remove in the end; empty: none
}

// openStore chooses the backend if it has room for a tally beside each position, and else a directory. With a
// directory that the user names, it is that one in any case.
func openStore(have stream.Capabilities, directory string) (store, error) {
	if directory != "" {
		return store{checkpointer: stream.FileCheckpointer(directory)}, nil
	}
	err := have.Missing(stream.Requirements{MaxStateBytes: maxTallyBytes})
	if !errors.Is(err, stream.ErrUnsupported) {
		return store{}, err
	}
	directory, err = os.MkdirTemp("", "quickstart-")
	if err != nil {
		return store{}, err
	}
	return store{checkpointer: stream.FileCheckpointer(directory), temporary: directory}, nil
}

// close removes what openStore has made.
func (s store) close() error {
	if s.temporary == "" {
		return nil
	}
	return os.RemoveAll(s.temporary)
}

package main

import (
	"context"
	"slices"

	"github.com/streamport-go/streamport/stream"
)

// channelBuffer is how many records the bare channel holds.
const channelBuffer = 1_024

// channelSide is the floor that people imagine: a bare Go channel of records, each with a copy of its value.
func channelSide(records int) side {
	return side{name: nameChannel, records: records, open: openChannel}
}

type channelSession struct {
	load *load
	pipe chan stream.Record
	in   *receiver
	done chan error
}

func openChannel(_ context.Context, l *load) (session, error) {
	s := &channelSession{load: l, pipe: make(chan stream.Record, channelBuffer), in: newReceiver(), done: make(chan error, 1)}
	go func() {
		s.done <- s.in.serve(func() ([]byte, error) { return (<-s.pipe).Value, nil })
	}()
	return s, nil
}

func (s *channelSession) move(_ context.Context, rounds int) error {
	s.in.orders <- rounds * len(s.load.records)
	for range rounds {
		for _, r := range s.load.records {
			copied := *r
			copied.Value = slices.Clone(r.Value)
			s.pipe <- copied
		}
	}
	return s.load.verify(<-s.in.sums, rounds)
}

func (s *channelSession) close(context.Context) error {
	close(s.in.orders)
	return <-s.done
}

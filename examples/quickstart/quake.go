package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// earthquakes are a week of real events, one JSON object a line, in the order in which they happened.
//
//go:embed earthquakes.ndjson
var earthquakes []byte

// A quake is one event. The record's value has all of it, and headers and event time are not used: some backends have
// none.
type quake struct {
	ID      string  `json:"id"`
	Network string  `json:"net"`
	Mag     float64 `json:"mag"`
	Millis  int64   `json:"time"` // since 1970

	line []byte // as it stands in the file
}

// quakes reads the file.
func quakes() ([]quake, error) {
	var all []quake
	for line := range bytes.Lines(earthquakes) {
		q, err := parseQuake(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			return nil, fmt.Errorf("earthquakes.ndjson:%d: %w", len(all)+1, err)
		}
		all = append(all, q)
	}
	return all, nil
}

func parseQuake(line []byte) (quake, error) {
	q := quake{line: line}
	err := json.Unmarshal(line, &q)
	return q, err
}

// record is the quake as it is sent: equal networks keep their order.
func (q quake) record(to string) *stream.Record {
	return &stream.Record{Stream: to, Key: []byte(q.Network), Value: q.line}
}

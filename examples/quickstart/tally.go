package main

import (
	"encoding/json"
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// A tally is what a member counts in one partition, by network. It is the handler's state.
type tally map[string]total

// A total is what is known of one network.
type total struct {
	Count   int     `json:"count"`
	Largest float64 `json:"largest"`
	Last    int64   `json:"last"` // milliseconds since 1970
}

// maxTallyBytes is more than the state of all networks in one partition takes.
const maxTallyBytes = 1 << 10

// restoreTally begins where the partition's last holder has saved. After a split the parent's state comes to every
// child, which keeps the networks that it owns; after a merge several states come.
func restoreTally(p *stream.Partition) (tally, error) {
	t := tally{}
	for _, state := range p.State() {
		saved, err := decodeTally(state)
		if err != nil {
			return nil, fmt.Errorf("the state of partition %s: %w", p.Name, err)
		}
		for network, n := range saved {
			if p.Owns([]byte(network)) {
				t.add(network, n)
			}
		}
	}
	return t, nil
}

func decodeTally(state []byte) (tally, error) {
	var t tally
	err := json.Unmarshal(state, &t)
	return t, err
}

func (t tally) encode() ([]byte, error) { return json.Marshal(t) }

func (t tally) count(q quake) { t.add(q.Network, total{Count: 1, Largest: q.Mag, Last: q.Millis}) }

// add puts two totals of a network together.
func (t tally) add(network string, more total) {
	have, known := t[network]
	if !known {
		t[network] = more
		return
	}
	have.Count += more.Count
	have.Largest = max(have.Largest, more.Largest)
	have.Last = max(have.Last, more.Last)
	t[network] = have
}

// all is the total of all networks.
func (t tally) all() total {
	all := tally{}
	for _, n := range t {
		all.add("", n)
	}
	return all[""]
}

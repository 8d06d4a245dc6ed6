//go:build servers

package kinesis_test

import "slices"

// snapshot is what happened so far, and what is closed when more has.
func (h *history) snapshot() ([]happening, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clip(h.events), h.changed
}

// holders are who was granted each shard last, of the shards whose end nobody has reached.
func holders(events []happening) map[string]string {
	held := map[string]string{}
	for _, e := range events {
		switch e.kind {
		case "granted":
			held[e.shard] = e.worker
		case "ended":
			delete(held, e.shard)
		}
	}
	return held
}

// handled are the shards of which a worker was given records from an event on.
func handled(events []happening, from int, worker string) map[string]bool {
	shards := map[string]bool{}
	for _, e := range events[min(from, len(events)):] {
		if e.kind == "record" && e.worker == worker {
			shards[e.shard] = true
		}
	}
	return shards
}

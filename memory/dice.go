package memory

import "sync"

// Dice make the simulator's random decisions. Each is drawn from a stream of its own, keyed by the seed, what the
// decision is about and how many such decisions came before: not by the order in which calls of different kinds arrive.
type dice struct {
	seed uint64

	mu    sync.Mutex // guards what follows
	drawn map[decision]uint64
	told  map[string]int // how often each fault happened
}

// A decision is what a draw is about.
type decision struct {
	kind string
	at   Where
}

func newDice(seed uint64) *dice {
	return &dice{seed: seed, drawn: map[decision]uint64{}, told: map[string]int{}}
}

// draw returns the next number of a decision's stream.
func (d *dice) draw(kind string, at Where) uint64 {
	d.mu.Lock()
	key := decision{kind, at}
	n := d.drawn[key]
	d.drawn[key] = n + 1
	d.mu.Unlock()
	h := d.seed
	for _, word := range [...]string{kind, at.Stream, at.Partition, at.Group, at.Member} {
		h = mix(h ^ hashName(word))
	}
	return mix(h ^ n)
}

// hits decides whether something of the given probability happens, and counts it.
func (d *dice) hits(kind string, at Where, rate float64) bool {
	if rate <= 0 || !(fractionOf(d.draw(kind, at)) < rate) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told[kind]++
	return true
}

// fractionOf maps a draw to 0 <= f < 1.
func fractionOf(draw uint64) float64 { return float64(draw>>11) / (1 << 53) }

// counts returns how often each fault has happened.
func (d *dice) counts() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	counts := make(map[string]int, len(d.told))
	for kind, n := range d.told {
		counts[kind] = n
	}
	return counts
}

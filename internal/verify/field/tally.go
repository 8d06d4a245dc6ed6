package field

import (
	"fmt"
	"strings"
	"sync"
)

// A tally counts what workers say about their transactions: one byte each, so that nothing is torn when they are killed.
// Methods may be called from many goroutines.
type tally struct {
	mu sync.Mutex // guards what follows
	n  [256]int
}

// The bytes, and what they mean.
const (
	committed = 'c'
	aborted   = 'a' // nothing of it is visible, and it is the worker's to try again
	unknown   = 'u' // whether it was committed was not to be found out
	refused   = 'f' // the partition was lost, or a successor has the transactional id
)

var meanings = []struct {
	is   byte
	text string
}{{committed, "committed"}, {aborted, "aborted"}, {unknown, "unknown"}, {refused, "fenced"}}

// Write takes what a worker has written.
func (t *tally) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range b {
		t.n[c]++
	}
	return len(b), nil
}

// Of is how many transactions ended so.
func (t *tally) Of(ending byte) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n[ending]
}

// failures is how many transactions ended otherwise than committed.
func (t *tally) failures() int { return t.Of(aborted) + t.Of(unknown) + t.Of(refused) }

// String lists the endings.
func (t *tally) String() string {
	texts := make([]string, len(meanings))
	for i, m := range meanings {
		texts[i] = fmt.Sprintf("%d %s", t.Of(m.is), m.text)
	}
	return strings.Join(texts, ", ")
}

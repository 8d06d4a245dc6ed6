package main

import (
	"fmt"
	"time"
)

// A shape is what the records and the topic of a comparison look like.
type shape struct {
	partitions, valueBytes int
	codec                  string // "none" or "lz4"
}

// headline is the shape that the metrics are about.
var headline = shape{partitions: 12, valueBytes: valueBytes, codec: "none"}

func (s shape) String() string {
	return fmt.Sprintf("%d partitions, %d B, %s", s.partitions, s.valueBytes, s.codec)
}

// shapes is the headline alone, or with -full the whole grid after it.
func shapes(o Options) []shape {
	all := []shape{headline}
	if !o.Full {
		return all
	}
	for _, codec := range []string{"none", "lz4"} {
		for _, size := range []int{valueBytes, 1024} {
			for _, partitions := range []int{1, 12} {
				if s := (shape{partitions: partitions, valueBytes: size, codec: codec}); s != headline {
					all = append(all, s)
				}
			}
		}
	}
	return all
}

// load makes the records of the shape: random where nothing is compressed, half of each value repeated where it is.
func (s shape) load() *load {
	l := newLoad(poolSize, s.valueBytes)
	if s.codec == "none" {
		return l
	}
	l.sum = 0
	for _, r := range l.records {
		for i := range r.Value {
			if i/16%2 == 1 {
				r.Value[i] = "partition-value="[i%16]
			}
		}
		l.sum += digest(r.Value)
	}
	return l
}

// What is the same for all clients that can be told.
const (
	linger     = 5 * time.Millisecond // of clients that publish asynchronously; those that wait for each record get none
	buffered   = 50_000               // records that an asynchronous client may have unanswered
	batchBytes = 1_000_012            // of one partition's batch: franz-go's default, which fits the brokers'
	crowd      = 256                  // goroutines of clients that publish synchronously
)

// kafkaRecords is how many records a fast side consumes in one repetition.
const kafkaRecords = 2_400_000

// records is n, or fewer where records are large, so that a topic stays within the page cache; the same for every
// partition, and in whole chunks.
func (s shape) records(n int) int {
	n = n * valueBytes / s.valueBytes
	unit := s.partitions * chunk
	return max(1, n/unit) * unit
}

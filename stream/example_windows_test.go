package stream_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// Counts per key that survive a takeover: they are saved together with the position, so that they are right although
// records come again after a crash. After a split, what a child inherits is reduced to the keys that it owns.
func ExamplePartition_CheckpointState() {
	ctx := context.Background()
	b := open("clicks")
	for round := range 2 {
		fill(b, "clicks", "home=x", "cart=x", "home=x")
		c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: "g", Streams: []string{"clicks"}, End: stream.Latest()})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("run:", c.Run(ctx, count))
		saved := b.Checkpoint("g", "clicks", "0")
		fmt.Printf("after round %d: %s\n", round+1, saved.State)
	}
	// Output:
	// run: <nil>
	// after round 1: {"cart":1,"home":2}
	// run: <nil>
	// after round 2: {"cart":2,"home":4}
}

func count(ctx context.Context, p *stream.Partition) error {
	counts := map[string]int{}
	for _, state := range p.State() { // one; after a merge two
		part := map[string]int{}
		if err := json.Unmarshal(state, &part); err != nil {
			return err
		}
		for key, n := range part {
			if p.Owns([]byte(key)) {
				counts[key] += n
			}
		}
	}
	var last stream.Record
	for recs, err := range p.Batches(ctx, 1000, time.Second) {
		if err != nil {
			return err
		}
		for i := range recs {
			counts[string(recs[i].Key)]++
			last = recs[i]
		}
		if last.Position.IsZero() {
			continue
		}
		state, err := json.Marshal(counts)
		if err != nil {
			return err
		}
		if err := p.CheckpointState(ctx, &last, state); err != nil {
			return err
		}
	}
	return nil
}

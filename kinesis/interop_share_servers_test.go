//go:build servers

package kinesis_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
)

// Handling a record takes so long that workers die while some are not checkpointed.
const handling = 2 * time.Millisecond

// Workers of Java's library and of this one share a stream and a table of leases, each takes from the other, alive and dead,
// while shards split. What is delivered again was delivered after the last checkpoint that the one before it saved, and
// nothing else is.
func TestInteropWithKCL2(t *testing.T) {
	share(t, testenv.KCLConfig{Version: testenv.KCL2, Slow: handling})
}

func share(t *testing.T, c testenv.KCLConfig) {
	i := newInterop(t, 4)
	f := i.feed(t)
	first := i.goJoins(t, "go-1", 20, handling)
	i.reads(t, "go-1", 4)
	soiled := i.soil(t)

	c.Worker = "java-1"
	java1 := i.javaJoins(t, c)
	i.reads(t, "java-1", 1) // Java takes from living Go
	i.split(t, i.held(t, "java-1"))
	i.split(t, i.held(t, "go-1"))
	i.childrenAreRead(t, 4)

	java1.die(t)
	i.takesOver(t, "go-1", "java-1") // Go goes on where dead Java was

	c.Worker = "java-2"
	java2 := i.javaJoins(t, c)
	i.reads(t, "java-2", 1)
	first.die(t)
	i.takesOver(t, "java-2", "go-1") // Java goes on where dead Go was

	second := i.goJoins(t, "go-2", 20, handling)
	i.reads(t, "go-2", 1) // Go takes from living Java
	java2.die(t)
	left := i.items(t)
	i.takesOver(t, "go-2", "java-2")
	i.split(t, i.held(t, "go-2"))
	i.childrenAreRead(t, 6)

	i.requireWhole(t, f)
	second.leave(t)
	java1.requireSound(t)
	java2.requireSound(t)
	i.requireLeases(t, soiled)
	i.requireForeign(t, left, c)
}

// childrenAreRead waits until so many shards that replace others have been read.
func (i *interop) childrenAreRead(t *testing.T, n int) {
	t.Helper()
	children := map[string]bool{}
	for id, s := range i.listed(t) {
		children[id] = s.ParentShardId != nil
	}
	i.until(t, fmt.Sprintf("records of %d children", n), func(events []happening) bool {
		read := map[string]bool{}
		for _, e := range events {
			if e.kind == "record" && children[e.shard] {
				read[e.shard] = true
			}
		}
		return len(read) >= n
	})
}

// requireWhole ends the feed, waits until everything is delivered and checkpointed, and judges.
func (i *interop) requireWhole(t *testing.T, f *feed) {
	t.Helper()
	n := f.end(t)
	i.listed(t)
	i.ends(t)
	again, _ := i.check(true)
	t.Logf("%d records, %d of them delivered again", n, again)
}

// ends waits until everything is delivered and checkpointed, by the rules.
func (i *interop) ends(t *testing.T) {
	t.Helper()
	i.until(t, "end", func([]happening) bool {
		_, broken := i.check(false)
		require.NoError(t, broken)
		_, err := i.check(true)
		return err == nil
	})
}

// ours are the attributes of a lease that this library writes.
var ours = []string{"leaseKey", "leaseOwner", "leaseCounter", "ownerSwitchesSinceCheckpoint", "checkpoint",
	"checkpointSubSequenceNumber", "checkpointOwner", "childShardIds", "parentShardId", "startingHashKey", "endingHashKey",
	"pendingCheckpoint", "pendingCheckpointSubSequenceNumber", "pendingCheckpointState",
	"xStartMs", "xBornMs", "xPosMs", "xBlind", "xState"}

// requireForeign requires that what Java left in the table when it died is there still: items that are no leases, and
// attributes of leases that this library does not know.
func (i *interop) requireForeign(t *testing.T, left map[string]map[string]ddb.AttributeValue, c testenv.KCLConfig) {
	t.Helper()
	now, others, attributes := i.items(t), 0, 0
	for key, item := range left {
		if !strings.HasPrefix(key, "shardId-") {
			require.Equal(t, item, now[key])
			others++
			continue
		}
		for name, value := range item {
			if !slices.Contains(ours, name) && name != "somebodys" {
				require.Equal(t, value, now[key][name], "%s of %s", name, key)
				attributes++
			}
		}
	}
	t.Logf("Java left %d items that are no leases, and %d attributes that are its own", others, attributes)
	if c.Mode == testenv.KCLCompatible {
		require.Contains(t, left, "Migration3.0")
	}
	if c.Version == testenv.KCL3 {
		require.NotZero(t, attributes)
	}
}

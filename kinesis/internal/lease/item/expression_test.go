package item_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lease/item"
)

func to[T any](v T) *T { return &v }

// flat puts values in the place of their placeholders, and takes the # from names.
func flat(t *testing.T, w item.Write) (condition, update string) {
	t.Helper()
	var replace []string
	for _, placeholder := range slices.Backward(slices.Sorted(maps.Keys(w.Values))) {
		v := w.Values[placeholder]
		shown := v.Text + string(v.Bytes) + strings.Join(v.Set, "+")
		if v.Type == item.Bool || v.Type == item.Null {
			shown = string(v.Type)
		}
		replace = append(replace, placeholder, shown)
	}
	for placeholder, name := range w.Names {
		require.Equal(t, "#"+name, placeholder)
		require.Regexp(t, placeholder+`\b`, w.Condition+w.Update, "no name is unused")
	}
	r := strings.NewReplacer(append(replace, "#", "")...)
	return r.Replace(w.Condition), r.Replace(w.Update)
}

// The writes of KCL (its DynamoDBLeaseRefresher), as it makes them in the rules of 2.x, with the owner's fence besides.
func TestWritesAreThoseOfKCL(t *testing.T) {
	for name, c := range map[string]struct {
		change            lease.Change
		condition, update string
	}{
		"renew": {
			lease.Change{Counter: to(int64(7)), Owner: to("me"), HandOverIs: to(""), Raise: true},
			"leaseCounter = 7 AND leaseOwner = me AND attribute_not_exists(checkpointOwner)",
			"ADD leaseCounter 1",
		},
		"take": {
			lease.Change{Counter: to(int64(7)), Raise: true, SetOwner: to("me"), SetHandOver: to(""), AddSwitch: true},
			"leaseCounter = 7",
			"SET leaseOwner = me REMOVE checkpointOwner ADD leaseCounter 1, ownerSwitchesSinceCheckpoint 1",
		},
		"hand over": {
			lease.Change{Owner: to("old"), HandOverIs: to(""), SetOwner: to("new"), SetHandOver: to("old")},
			"attribute_exists(leaseCounter) AND leaseOwner = old AND attribute_not_exists(checkpointOwner)",
			"SET leaseOwner = new, checkpointOwner = old",
		},
		"assign": {
			lease.Change{Owner: to("new"), HandOverIs: to("old"), SetHandOver: to(""), Raise: true, AddSwitch: true},
			"attribute_exists(leaseCounter) AND leaseOwner = new AND checkpointOwner = old",
			"REMOVE checkpointOwner ADD leaseCounter 1, ownerSwitchesSinceCheckpoint 1",
		},
		"evict": {
			lease.Change{Counter: to(int64(7)), Owner: to("me"), Raise: true, SetOwner: to("")},
			"leaseCounter = 7 AND leaseOwner = me",
			"REMOVE leaseOwner ADD leaseCounter 1",
		},
		"checkpoint": {
			lease.Change{Counter: to(int64(7)), Owner: to("me"), Raise: true, Checkpoint: to("12"), Sub: 3, Pos: to(int64(5)), State: to([]byte("s"))},
			"leaseCounter = 7 AND leaseOwner = me",
			"SET checkpoint = 12, checkpointSubSequenceNumber = 3, ownerSwitchesSinceCheckpoint = 0, xState = s, xPosMs = 5 " +
				"REMOVE pendingCheckpoint, pendingCheckpointSubSequenceNumber, pendingCheckpointState ADD leaseCounter 1",
		},
		"end": {
			lease.Change{Counter: to(int64(7)), Owner: to("me"), Raise: true, Checkpoint: to(lease.AtEnd), Children: []string{"b", "a", "b"}},
			"leaseCounter = 7 AND leaseOwner = me",
			"SET checkpoint = SHARD_END, checkpointSubSequenceNumber = 0, ownerSwitchesSinceCheckpoint = 0, childShardIds = a+b " +
				"REMOVE pendingCheckpoint, pendingCheckpointSubSequenceNumber, pendingCheckpointState ADD leaseCounter 1",
		},
		"lineage": {
			lease.Change{IsBlind: true, NotEnded: true, Parents: []string{"p"}, First: to("0"), Last: to("9"), Blind: to(false)},
			"attribute_exists(leaseCounter) AND attribute_exists(xBlind) AND checkpoint <> SHARD_END",
			"SET parentShardId = p, startingHashKey = 0, endingHashKey = 9 REMOVE xBlind",
		},
		"annotate": {
			lease.Change{StartAbsent: true, Start: to(int64(1)), Born: to(int64(2)), Blind: to(true), State: to([]byte{})},
			"attribute_exists(leaseCounter) AND attribute_not_exists(xStartMs)",
			"SET xState = NULL, xStartMs = 1, xBornMs = 2, xBlind = BOOL",
		},
		"nothing": {lease.Change{}, "attribute_exists(leaseCounter)", ""},
		"forget": {
			lease.Change{Owner: to(""), Parents: []string{}, Children: []string{}, First: to(""), Last: to(""), State: to([]byte(nil))},
			"attribute_exists(leaseCounter) AND attribute_not_exists(leaseOwner)",
			"REMOVE xState, parentShardId, childShardIds, startingHashKey, endingHashKey",
		},
	} {
		w, err := item.Express(c.change)
		require.NoError(t, err, name)
		condition, update := flat(t, w)
		require.Equal(t, c.condition, condition, name)
		require.Equal(t, c.update, update, name)
	}
	condition, _ := flat(t, item.Absent())
	require.Equal(t, "attribute_not_exists(leaseKey)", condition)
	condition, _ = flat(t, item.Counted(3))
	require.Equal(t, "leaseCounter = 3", condition)
}

func TestNewLeasesHaveWhatTheReaderOfKCLNeeds(t *testing.T) {
	built, err := item.Build(lease.Row{Key: "shardId-000000000001", Checkpoint: lease.AtOldest})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"leaseKey", "leaseCounter", "ownerSwitchesSinceCheckpoint", "checkpoint", "checkpointSubSequenceNumber"},
		slices.Collect(maps.Keys(built)), "no owner, no empty set, no entityType")
}

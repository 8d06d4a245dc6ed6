package item_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lease/item"
	"github.com/streamport-go/streamport/stream"
)

func TestEveryLeaseOfLiveWorkersIsRead(t *testing.T) {
	leases, pending, ended := 0, 0, 0
	for _, attributes := range golden(t) {
		if !item.IsLease(attributes) {
			require.NotContains(t, attributes, "leaseCounter")
			continue
		}
		leases++
		row, err := item.Parse(attributes)
		require.NoError(t, err)
		require.Equal(t, attributes["leaseKey"].Text, row.Key)
		require.Equal(t, attributes["leaseOwner"].Text, row.Owner)
		require.NotEmpty(t, row.Last)
		if row.Pending {
			pending++
			continue // which nobody but KCL writes
		}
		if row.Ended() {
			ended++
			require.Len(t, row.Children, 2)
		}
		built, err := item.Build(row)
		require.NoError(t, err)
		known := maps.Clone(attributes)
		delete(known, "throughputKBps")
		delete(known, "entityType")
		require.Equal(t, known, built, "what was read is what KCL wrote")
	}
	require.Equal(t, 29, leases)
	require.Equal(t, 1, pending)
	require.Equal(t, 5, ended)
}

// good is an item with nothing but what a lease must have.
func good() map[string]item.Value {
	return map[string]item.Value{
		"leaseKey": {Type: item.S, Text: "shardId-000000000001"}, "leaseCounter": {Type: item.N, Text: "7"},
		"ownerSwitchesSinceCheckpoint": {Type: item.N, Text: "0"}, "checkpoint": {Type: item.S, Text: "TRIM_HORIZON"},
		"checkpointSubSequenceNumber": {Type: item.N, Text: "0"},
	}
}

func TestTheLeastLease(t *testing.T) {
	row, err := item.Parse(good())
	require.NoError(t, err)
	require.Equal(t, lease.Row{Key: "shardId-000000000001", Counter: 7, Checkpoint: lease.AtOldest}, row)
}

func TestWhatIsNoLease(t *testing.T) {
	for name, spoil := range map[string]func(map[string]item.Value){
		"no counter":              func(a map[string]item.Value) { delete(a, "leaseCounter") },
		"another entity":          func(a map[string]item.Value) { a["entityType"] = item.Value{Type: item.S, Text: "STREAM"} },
		"an entity of no text":    func(a map[string]item.Value) { a["entityType"] = item.Value{Type: item.N, Text: "1"} },
		"a lease of many streams": func(a map[string]item.Value) { a["leaseKey"] = item.Value{Type: item.S, Text: "1:s:2:shardId-0"} },
	} {
		attributes := good()
		require.True(t, item.IsLease(attributes))
		spoil(attributes)
		require.False(t, item.IsLease(attributes), name)
	}
	require.False(t, item.IsLease(nil))
	marked := good()
	marked["entityType"] = item.Value{Type: item.S, Text: "LEASE"}
	require.True(t, item.IsLease(marked))
}

func TestMistakesNameTheLeaseAndTheAttribute(t *testing.T) {
	for _, c := range []struct {
		attribute string
		value     item.Value // zero: the attribute is absent
		want      string
	}{
		{"leaseKey", item.Value{}, "leaseKey is empty"},
		{"leaseKey", item.Value{Type: item.N, Text: "1"}, "leaseKey is no text"},
		{"leaseCounter", item.Value{}, "leaseCounter is absent"},
		{"leaseCounter", item.Value{Type: item.S, Text: "7"}, "leaseCounter is no whole number"},
		{"leaseCounter", item.Value{Type: item.N, Text: "7.5"}, "leaseCounter is no whole number"},
		{"leaseCounter", item.Value{Type: item.N, Text: "9223372036854775808"}, "leaseCounter is no whole number"},
		{"ownerSwitchesSinceCheckpoint", item.Value{}, "ownerSwitchesSinceCheckpoint is absent"},
		{"checkpoint", item.Value{}, "checkpoint is neither"},
		{"checkpoint", item.Value{Type: item.S}, "checkpoint is empty"},
		{"checkpoint", item.Value{Type: item.S, Text: "trim_horizon"}, "checkpoint is neither"},
		{"checkpoint", item.Value{Type: item.S, Text: "-1"}, "checkpoint is neither"},
		{"checkpoint", item.Value{Type: item.S, Text: "0"}, "checkpoint is neither"},
		{"checkpoint", item.Value{Type: item.N, Text: "12"}, "checkpoint is no text"},
		{"checkpointSubSequenceNumber", item.Value{}, "checkpointSubSequenceNumber is absent"},
		{"checkpointSubSequenceNumber", item.Value{Type: item.N, Text: "-1"}, "checkpointSubSequenceNumber is out of range"},
		{"leaseOwner", item.Value{Type: item.S}, "leaseOwner is empty"},
		{"leaseOwner", item.Value{Type: item.Other}, "leaseOwner is no text"},
		{"checkpointOwner", item.Value{Type: item.Null}, "checkpointOwner is no text"},
		{"parentShardId", item.Value{Type: item.S, Text: "shardId-000000000000"}, "parentShardId is no set"},
		{"parentShardId", item.Value{Type: item.SS}, "parentShardId is no set"},
		{"childShardIds", item.Value{Type: item.SS, Set: []string{""}}, "childShardIds is no set"},
		{"startingHashKey", item.Value{Type: item.S, Text: "0x0"}, "startingHashKey is not in the space"},
		{"endingHashKey", item.Value{Type: item.S, Text: "340282366920938463463374607431768211456"}, "endingHashKey is not in the space"},
		{"xStartMs", item.Value{Type: item.S, Text: "1"}, "xStartMs is no whole number"},
		{"xBornMs", item.Value{Type: item.N, Text: "1.5"}, "xBornMs is no whole number"},
		{"xPosMs", item.Value{Type: item.Null}, "xPosMs is no whole number"},
		{"xBlind", item.Value{Type: item.S, Text: "true"}, "xBlind is no flag"},
		{"xState", item.Value{Type: item.S, Text: "state"}, "xState is not bytes"},
	} {
		attributes := good()
		delete(attributes, c.attribute)
		if c.value.Type != "" {
			attributes[c.attribute] = c.value
		}
		row, err := item.Parse(attributes)
		require.ErrorIs(t, err, stream.ErrCorrupt, c.want)
		require.ErrorContains(t, err, c.want)
		require.Zero(t, row)
		if c.attribute != "leaseKey" {
			require.ErrorContains(t, err, `"shardId-000000000001"`)
		}
	}
	numeric := good()
	numeric["checkpoint"] = item.Value{Type: item.S, Text: "49680466344195918878815922009074081423663658371393781794"}
	numeric["checkpointSubSequenceNumber"] = item.Value{Type: item.N, Text: "4294967296"}
	_, err := item.Parse(numeric)
	require.ErrorContains(t, err, "checkpointSubSequenceNumber is out of range", "it would not be a position")
}

func TestFlagsMayBeNumbers(t *testing.T) {
	for _, flag := range []item.Value{{Type: item.Bool, Truth: true}, {Type: item.N, Text: "1"}} {
		attributes := good()
		attributes["xBlind"] = flag
		row, err := item.Parse(attributes)
		require.NoError(t, err)
		require.True(t, row.Own.Blind)
	}
}

func TestAStateWithoutBytesIsThere(t *testing.T) {
	for _, empty := range []item.Value{{Type: item.Null}, {Type: item.B}, {Type: item.B, Bytes: []byte{}}} {
		attributes := good()
		attributes["xState"] = empty
		row, err := item.Parse(attributes)
		require.NoError(t, err)
		require.Equal(t, lease.Own{State: []byte{}, Has: true}, row.Own)
	}
}

func TestSetsAreReadInOrder(t *testing.T) {
	attributes := good()
	attributes["parentShardId"] = item.Value{Type: item.SS, Set: []string{"b", "a"}}
	row, err := item.Parse(attributes)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, row.Parents)
	require.Equal(t, []string{"b", "a"}, attributes["parentShardId"].Set, "what was given stays as it is")
}

// FuzzParse feeds items to the reader: it returns an error that says what is wrong, or a row that can be written back and
// read again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"leaseKey":{"S":"shardId-000000000001"},"leaseCounter":{"N":"7"},"ownerSwitchesSinceCheckpoint":{"N":"0"},` +
		`"checkpoint":{"S":"49680466344195918878815922009074081423663658371393781794"},"checkpointSubSequenceNumber":{"N":"3"},` +
		`"parentShardId":{"SS":["shardId-000000000000"]},"startingHashKey":{"S":"0"},"endingHashKey":{"S":"12"},` +
		`"leaseOwner":{"S":"me"},"xBlind":{"BOOL":true},"xState":{"B":"AAE="},"xStartMs":{"N":"1"},"xPosMs":{"N":"-1"}}`))
	f.Add([]byte(`{"leaseKey":{"S":"k"},"leaseCounter":{"N":"1"},"checkpoint":{"S":"SHARD_END"},"xState":{"NULL":true}}`))
	f.Add([]byte(`{"leaseKey":{"S":"Leader"},"entityType":{"S":"LEADER"},"leaseCounter":{"L":[]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		attributes, err := fromWire(data)
		if err != nil {
			return
		}
		item.IsLease(attributes)
		row, err := item.Parse(attributes)
		if err != nil {
			require.ErrorIs(t, err, stream.ErrCorrupt)
			return
		}
		row.Pending = false
		built, err := item.Build(row)
		if len(row.Own.State) > item.MaxState {
			require.ErrorIs(t, err, stream.ErrTooLarge)
			return
		}
		require.NoError(t, err)
		again, err := item.Parse(built)
		require.NoError(t, err)
		require.Equal(t, row, again)
	})
}

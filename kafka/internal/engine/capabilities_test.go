package engine_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// tell is engine.Capabilities of a topic of three replicas with such configuration, in such settings.
func tell(configs map[string]string, changes ...func(*engine.Settings)) stream.Capabilities {
	s := settings()
	for _, change := range changes {
		change(&s)
	}
	return engine.Capabilities(newestCluster(), topicOf("orders", 2, 3, configs), s, engine.Abilities{})
}

func TestCapabilitiesOfADefaultTopic(t *testing.T) {
	c := tell(nil)
	for name, f := range flags(c) {
		want := stream.Native
		switch name {
		case "Fencing":
			want = stream.Emulated
		case "Compaction", "Resharding", "AutoScaling", "PushDelivery", "ThrottleReject":
			want = stream.None
		}
		require.Equal(t, want, f.Support, "%s: %s", name, f.Reason)
	}
	require.EqualValues(t, 1048588, c.MaxRecordBytes.Value)
	require.Equal(t, engine.MaxStateBytes(4096), c.MaxStateBytes.Value)
	require.EqualValues(t, 104857600, c.MaxRequestBytes.Value)
	require.Equal(t, 7*24*time.Hour, c.Retention.Current)
	require.Equal(t, 2, c.Partitions)
}

func TestEveryClaimHasASourceAndEveryFieldAReason(t *testing.T) {
	denied := topicOf("orders", 2, 3, nil)
	denied.Configs, denied.ConfigsErr = nil, errors.New("denied")
	hidden := newestCluster()
	hidden.Configs, hidden.ConfigsErr = nil, errors.New("denied")
	for _, c := range []stream.Capabilities{
		tell(nil), engine.Capabilities(hidden, denied, settings(), engine.Abilities{}),
	} {
		for name, f := range flags(c) {
			require.NotEmpty(t, f.Reason, name)
			require.Equal(t, f.Support == stream.Unknown, f.Source == "", name)
		}
		v := reflect.ValueOf(c)
		for field, value := range v.Fields() {
			if l, ok := value.Interface().(stream.Limit); ok {
				require.NotEmpty(t, l.Reason, field.Name)
			}
		}
		require.NotEmpty(t, c.Retention.Reason)
	}
}

func flags(c stream.Capabilities) map[string]stream.Flag {
	all := map[string]stream.Flag{}
	for field, value := range reflect.ValueOf(c).Fields() {
		if f, ok := value.Interface().(stream.Flag); ok {
			all[field.Name] = f
		}
	}
	return all
}

func TestDeniedConfigurationIsUnknownNeverTheDefault(t *testing.T) {
	topic := topicOf("orders", 2, 3, nil)
	topic.Configs = nil
	topic.ConfigsErr = engine.Denied(engine.Map(engine.Failed(29, nil)), "DESCRIBE_CONFIGS", "topic orders")
	cluster := newestCluster()
	cluster.Configs = nil
	cluster.ConfigsErr = engine.Denied(engine.Map(engine.Failed(31, nil)), "DESCRIBE_CONFIGS", "cluster")
	c := engine.Capabilities(cluster, topic, settings(), engine.Abilities{})
	unknown := []string{"NilKeys", "EventTime", "Durability", "Compaction"}
	for name, f := range flags(c) {
		require.Equal(t, contains(unknown, name), f.Support == stream.Unknown, "%s is %v: %s", name, f.Support, f.Reason)
		if contains(unknown, name) {
			require.Contains(t, f.Reason, "DESCRIBE_CONFIGS", name)
		}
	}
	require.Equal(t, stream.Limit{Reason: c.MaxRecordBytes.Reason}, c.MaxRecordBytes)
	require.Equal(t, stream.Limit{Reason: c.MaxStateBytes.Reason}, c.MaxStateBytes)
	require.Equal(t, stream.Limit{Reason: c.MaxRequestBytes.Reason}, c.MaxRequestBytes)
	require.Equal(t, stream.Retention{Reason: c.Retention.Reason}, c.Retention)
	require.Contains(t, c.MaxStateBytes.Reason, "cluster")
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

func TestDurability(t *testing.T) {
	for _, c := range []struct {
		replicas int
		configs  map[string]string
		acks     engine.Acks
		want     stream.Support
		says     string
	}{
		{3, nil, engine.AcksAll, stream.Native, "2 of 3 replicas"},
		{1, map[string]string{"min.insync.replicas": "1"}, engine.AcksAll, stream.None, "1 replica"},
		{3, map[string]string{"min.insync.replicas": "1"}, engine.AcksAll, stream.None, "min.insync.replicas is 1"},
		{3, map[string]string{"min.insync.replicas": "4"}, engine.AcksAll, stream.Native, "nothing is acknowledged"},
		{3, map[string]string{"unclean.leader.election.enable": "true"}, engine.AcksAll, stream.Native, "unclean.leader.election.enable"},
		{3, map[string]string{"min.insync.replicas": "many"}, engine.AcksAll, stream.Unknown, "no number"},
		{0, nil, engine.AcksAll, stream.Unknown, "no replicas"},
		{3, nil, engine.AcksLeader, stream.None, "acks=leader"},
		{3, nil, engine.AcksNone, stream.None, "acks=none"},
	} {
		s := settings()
		s.Acks = c.acks
		f := engine.Capabilities(newestCluster(), topicOf("t", 2, c.replicas, c.configs), s, engine.Abilities{}).Durability
		require.Equal(t, c.want, f.Support, f.Reason)
		require.Contains(t, f.Reason, c.says)
	}
	lagging := topicOf("t", 1, 3, nil)
	lagging.Partitions[0].ISR = []int32{0}
	require.Equal(t, stream.Native, engine.Capabilities(newestCluster(), lagging, settings(), engine.Abilities{}).Durability.Support,
		"a broker that restarts must not withdraw producers")
}

func TestSettingsLowerGuarantees(t *testing.T) {
	unsafe := func(s *engine.Settings) { s.Idempotent = false }
	leader := func(s *engine.Settings) { s.Acks, s.Idempotent, s.InFlight = engine.AcksLeader, false, 1 }
	for _, c := range []struct {
		name                        string
		change                      func(*engine.Settings)
		order, idempotent, transact stream.Support
	}{
		{"as it is", func(*engine.Settings) {}, stream.Native, stream.Native, stream.Native},
		{"no idempotence", unsafe, stream.None, stream.None, stream.None},
		{"acks=1, one request", leader, stream.Native, stream.None, stream.None},
		{"own partitioner", func(s *engine.Settings) { s.Partitioner = func(*stream.Record, int) int { return 0 } },
			stream.Unknown, stream.Native, stream.Native},
		{"placed by record", func(s *engine.Settings) { s.PlaceByRecord = true }, stream.Unknown, stream.Native, stream.Native},
		{"long transactions", func(s *engine.Settings) { s.TxTimeout = time.Hour }, stream.Native, stream.Native, stream.None},
	} {
		got := tell(nil, c.change)
		require.Equal(t, c.order, got.KeyOrder.Support, "%s: %s", c.name, got.KeyOrder.Reason)
		require.Equal(t, c.idempotent, got.IdempotentProduce.Support, "%s: %s", c.name, got.IdempotentProduce.Reason)
		require.Equal(t, c.transact, got.Transactions.Support, "%s: %s", c.name, got.Transactions.Reason)
	}
}

func TestTransactionsNeedBrokersAndLibrary(t *testing.T) {
	old := newestCluster()
	delete(old.APIs, 28)
	got := engine.Capabilities(old, topicOf("t", 1, 3, nil), settings(), engine.Abilities{}).Transactions
	require.Equal(t, stream.None, got.Support)
	got = engine.Capabilities(newestCluster(), topicOf("t", 1, 3, nil), settings(), engine.Abilities{Transactions: "use franz-go"}).Transactions
	require.Equal(t, stream.Flag{Support: stream.None, Source: stream.Declared, Reason: "use franz-go"}, got)
	require.Contains(t, tell(nil).Transactions.Reason, "KIP-890")
	first := newestCluster()
	first.Features = nil
	first.AllBrokers = errors.New("broker 2 is down")
	got = engine.Capabilities(first, topicOf("t", 1, 3, nil), settings(), engine.Abilities{}).Transactions
	require.Equal(t, stream.Native, got.Support, "a broker that is down must not withdraw producers")
	require.Contains(t, got.Reason, "first protocol")
	require.Contains(t, got.Reason, "not every broker")
}

func TestCompactedTopics(t *testing.T) {
	c := tell(map[string]string{"cleanup.policy": "compact"})
	require.Equal(t, stream.Native, c.Compaction.Support)
	require.Equal(t, stream.None, c.NilKeys.Support)
	require.True(t, c.Retention.Unlimited)
	both := tell(map[string]string{"cleanup.policy": "compact,delete", "retention.bytes": "1000"})
	require.Equal(t, stream.Native, both.Compaction.Support)
	require.Equal(t, stream.None, both.NilKeys.Support)
	require.Equal(t, 7*24*time.Hour, both.Retention.Current)
	require.EqualValues(t, 1000, both.Retention.Bytes)
}

func TestArrivalTimesTakeEventTimeAway(t *testing.T) {
	c := tell(map[string]string{"message.timestamp.type": "LogAppendTime"})
	require.Equal(t, stream.None, c.EventTime.Support)
	require.Equal(t, stream.Native, c.SeekTime.Support)
}

func TestRetention(t *testing.T) {
	forever := tell(map[string]string{"retention.ms": "-1"}).Retention
	require.True(t, forever.Unlimited)
	require.Zero(t, forever.Current)
	long := tell(map[string]string{"retention.ms": "9223372036854775807"}).Retention
	require.Greater(t, long.Current, 290*365*24*time.Hour)
	require.Positive(t, tell(map[string]string{"retention.ms": "0"}).Retention.Current)
	require.Contains(t, tell(map[string]string{"remote.storage.enable": "true"}).Retention.Reason, "remote storage")
}

func TestTheSmallerLimitCounts(t *testing.T) {
	c := tell(nil, func(s *engine.Settings) { s.BatchBytes = 100_000 })
	require.EqualValues(t, 100_000, c.MaxRecordBytes.Value)
	require.Contains(t, c.MaxRecordBytes.Reason, "BatchBytes")
	require.False(t, c.MaxRecordBytes.Hard)
	require.True(t, tell(map[string]string{"max.message.bytes": "1073741824"}).MaxRecordBytes.Hard)
	none := newestCluster()
	none.Configs["offset.metadata.max.bytes"] = "3"
	c = engine.Capabilities(none, topicOf("t", 1, 3, nil), settings(), engine.Abilities{})
	require.EqualValues(t, -1, c.MaxStateBytes.Value, "there is no room for state")
}

package stream_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// kafka and kinesis are what SEMANTICS says of the two services, with every field set.
func kafka() stream.Capabilities {
	yes := stream.Flag{Support: stream.Native, Source: stream.Declared}
	no := func(reason string) stream.Flag {
		return stream.Flag{Support: stream.None, Source: stream.Declared, Reason: reason}
	}
	free := stream.Limit{Source: stream.Declared, Reason: "quotas aside"}
	return stream.Capabilities{
		PartitionOrder: yes, KeyOrder: yes, NilKeys: yes, BinaryKeys: yes, Headers: yes, Tombstones: yes, EventTime: yes,
		Groups: yes, Fencing: yes, IdempotentProduce: yes, Transactions: yes, SeekTime: yes, LagRecords: yes,
		Compaction:     stream.Flag{Support: stream.None, Source: stream.Discovered, Reason: "cleanup.policy is delete"},
		Resharding:     no("partitions only grow, and growing moves keys"),
		AutoScaling:    no("partitions are added by hand"),
		PushDelivery:   no("readers poll"),
		LagTime:        stream.Flag{Support: stream.Emulated, Source: stream.Declared, Reason: "by the records' times"},
		ThrottleDelay:  stream.Flag{Support: stream.Native, Source: stream.Assumed, Reason: "quotas"},
		ThrottleReject: no("brokers delay"),
		Durability:     stream.Flag{Support: stream.Native, Source: stream.Discovered, Reason: "min.insync.replicas is 2"},

		MaxRecordBytes:        stream.Limit{Value: 1_048_588, Source: stream.Discovered, Reason: "max.message.bytes, of a batch"},
		MaxStateBytes:         stream.Limit{Value: 3 << 10, Hard: true, Source: stream.Assumed, Reason: "offset metadata"},
		MaxRequestRecords:     free,
		MaxRequestBytes:       stream.Limit{Value: 100 << 20, Source: stream.Assumed, Reason: "socket.request.max.bytes"},
		PartitionWriteBytes:   free,
		PartitionWriteRecords: free,
		PartitionReadBytes:    free,
		PartitionReadCalls:    free,

		Retention:  stream.Retention{Unlimited: true, Source: stream.Discovered, Reason: "retention.ms is -1"},
		Partitions: 12,
	}
}

func kinesis() stream.Capabilities {
	c := kafka()
	no := func(reason string) stream.Flag {
		return stream.Flag{Support: stream.None, Source: stream.Declared, Reason: reason}
	}
	c.KeyOrder = stream.Flag{Support: stream.Emulated, Source: stream.Declared, Reason: "one record of a key at a time"}
	c.IdempotentProduce = no("PutRecords stores a retry again")
	c.Transactions = no("Kinesis has no transactions")
	c.Compaction = no("Kinesis has no compaction")
	c.Resharding = stream.Flag{Support: stream.Native, Source: stream.Declared, Reason: "split and merge with lineage"}
	c.AutoScaling = stream.Flag{Support: stream.Native, Source: stream.Discovered, Reason: "the stream is on demand"}
	c.LagRecords = no("Kinesis tells lag as a time")
	c.LagTime = stream.Flag{Support: stream.Native, Source: stream.Declared, Reason: "MillisBehindLatest"}
	c.Durability = stream.Flag{Support: stream.Native, Source: stream.Assumed, Reason: "three zones"}
	c.MaxRecordBytes = stream.Limit{Value: 1 << 20, Source: stream.Discovered, Reason: "UpdateMaxRecordSize raises it to 10 MiB"}
	c.MaxRequestRecords = stream.Limit{Value: 500, Hard: true, Source: stream.Assumed, Reason: "PutRecords"}
	c.PartitionWriteBytes = stream.Limit{Value: 1 << 20, Hard: true, Source: stream.Assumed, Reason: "of a shard"}
	c.PartitionWriteRecords = stream.Limit{Value: 1000, Hard: true, Source: stream.Assumed, Reason: "of a shard"}
	c.PartitionReadBytes = stream.Limit{Value: 2 << 20, Hard: true, Source: stream.Assumed, Reason: "of a shard"}
	c.PartitionReadCalls = stream.Limit{Value: 5, Hard: true, Source: stream.Assumed, Reason: "GetRecords, of a shard"}
	c.Retention = stream.Retention{Current: 24 * time.Hour, Max: 8760 * time.Hour, Source: stream.Discovered,
		Reason: "IncreaseStreamRetentionPeriod raises it"}
	c.ThrottleDelay = no("Kinesis refuses")
	c.ThrottleReject = stream.Flag{Support: stream.Native, Source: stream.Declared, Reason: "record by record"}
	c.Partitions = 4
	return c
}

// everything requires more of each field than the zero Capabilities have.
func everything(t *testing.T) stream.Requirements {
	var r stream.Requirements
	for _, value := range reflect.ValueOf(&r).Elem().Fields() {
		switch value.Kind() {
		case reflect.Uint8:
			value.SetUint(uint64(stream.Emulated))
		case reflect.Int64:
			value.SetInt(int64(time.Hour))
		default:
			t.Fatalf("a Requirements field of kind %v", value.Kind())
		}
	}
	return r
}

// changeOne returns, by name, zero Capabilities of which one field is set to something known.
func changeOne(t *testing.T) map[string]stream.Capabilities {
	changed := make(map[string]stream.Capabilities)
	for field := range reflect.TypeFor[stream.Capabilities]().Fields() {
		var c stream.Capabilities
		target := reflect.ValueOf(&c).Elem().FieldByIndex(field.Index).Addr().Interface()
		switch v := target.(type) {
		case *stream.Flag:
			*v = stream.Flag{Support: stream.Native, Source: stream.Discovered, Reason: "reason of " + field.Name}
		case *stream.Limit:
			*v = stream.Limit{Value: 7, Hard: true, Source: stream.Declared, Reason: "reason of " + field.Name}
		case *stream.Retention:
			*v = stream.Retention{Current: 90 * time.Minute, Max: 2 * time.Hour, Bytes: 9, Source: stream.Assumed,
				Reason: "reason of " + field.Name}
		case *int:
			*v = 3
		default:
			t.Fatalf("%s is of type %v, which nobody compares, prints or encodes", field.Name, field.Type)
		}
		changed[field.Name] = c
	}
	return changed
}

func TestNoCapabilityIsForgotten(t *testing.T) {
	required := reflect.TypeFor[stream.Requirements]()
	gaps := gapsOf(t, stream.Capabilities{}.Missing(everything(t)))
	told := commentOf(t, "requirements.go", "Requirements")
	for name, c := range changeOne(t) {
		t.Run(name, func(t *testing.T) {
			if _, ok := required.FieldByName(name); ok {
				i := findGap(gaps, name)
				require.GreaterOrEqual(t, i, 0, "Missing")
				require.NotEmpty(t, gaps[i].WayOut)
			} else {
				require.Regexp(t, `\b`+name+`\b`, told, "neither required nor told to be left out")
			}

			require.Regexp(t, `^changed +`+name+`: unknown -> `, stream.Diff(stream.Capabilities{}, c), "Diff")
			require.Regexp(t, `^unclear +`+name+`: .* -> unknown$`, stream.Diff(c, stream.Capabilities{}), "Diff")

			row := rowOf(c.String(), name)
			require.NotEmpty(t, row, "table")
			require.NotContains(t, row, "unknown")
			if name != "Partitions" {
				require.Contains(t, row, "reason of "+name)
			}

			text, err := json.Marshal(c)
			require.NoError(t, err)
			var back stream.Capabilities
			require.NoError(t, json.Unmarshal(text, &back))
			require.Equal(t, c, back, "JSON")
			require.NotEqual(t, stream.Capabilities{}, back, "JSON")
		})
	}
}

func TestRequirementsBearTheNamesOfCapabilities(t *testing.T) {
	capabilities := reflect.TypeFor[stream.Capabilities]()
	want := map[reflect.Type]reflect.Type{
		reflect.TypeFor[stream.Flag]():      reflect.TypeFor[stream.Support](),
		reflect.TypeFor[stream.Limit]():     reflect.TypeFor[int64](),
		reflect.TypeFor[stream.Retention](): reflect.TypeFor[time.Duration](),
	}
	for field := range reflect.TypeFor[stream.Requirements]().Fields() {
		same, ok := capabilities.FieldByName(field.Name)
		require.True(t, ok, "Capabilities have no %s", field.Name)
		require.Equal(t, want[same.Type], field.Type, field.Name)
	}
}

func TestZeroCapabilitiesAreUnknownEverywhere(t *testing.T) {
	var none stream.Capabilities
	count := 0
	for name, value := range none.All() {
		require.Equal(t, "unknown", value, name)
		count++
	}
	require.Equal(t, reflect.TypeFor[stream.Capabilities]().NumField(), count)
	require.NoError(t, none.Missing(stream.Requirements{}))
	require.Empty(t, stream.Diff(none, none))
	require.Equal(t, count+1, len(strings.Split(none.String(), "\n")))
}

func TestTableIsAlignedAndOneLineEach(t *testing.T) {
	c := kinesis()
	c.Headers.Reason = "two\nlines, a\ttab and \x1b[31mred"
	lines := strings.Split(c.String(), "\n")
	require.Len(t, lines, reflect.TypeFor[stream.Capabilities]().NumField()+1)
	column := strings.Index(lines[0], "VALUE")
	for _, line := range lines {
		require.Equal(t, byte(' '), line[column-1], line)
		require.NotEqual(t, byte(' '), line[column], line)
		require.Equal(t, strings.TrimSpace(line), line)
	}
	require.Contains(t, c.String(), "two lines, a tab and [31mred")
}

func TestValuesReadAsPeopleSayThem(t *testing.T) {
	unlimited := stream.Limit{Source: stream.Declared}
	for _, test := range []struct {
		name, want string
		have       stream.Capabilities
	}{
		{"KeyOrder", "emulated", stream.Capabilities{KeyOrder: stream.Flag{Support: stream.Emulated}}},
		{"KeyOrder", "unknown", stream.Capabilities{KeyOrder: stream.Flag{Support: 9}}},
		{"MaxRecordBytes", "1 MiB", stream.Capabilities{MaxRecordBytes: stream.Limit{Value: 1 << 20}}},
		{"MaxRecordBytes", "10 MiB, hard", stream.Capabilities{MaxRecordBytes: stream.Limit{Value: 10 << 20, Hard: true}}},
		{"MaxRecordBytes", "1048588 B", stream.Capabilities{MaxRecordBytes: stream.Limit{Value: 1_048_588}}},
		{"MaxRecordBytes", "1536 KiB", stream.Capabilities{MaxRecordBytes: stream.Limit{Value: 1536 << 10}}},
		{"MaxRecordBytes", "no limit", stream.Capabilities{MaxRecordBytes: unlimited}},
		{"MaxRecordBytes", "unknown", stream.Capabilities{}},
		{"MaxStateBytes", "nothing", stream.Capabilities{MaxStateBytes: stream.Limit{Value: -1}}},
		{"MaxRequestRecords", "500 records", stream.Capabilities{MaxRequestRecords: stream.Limit{Value: 500}}},
		{"PartitionWriteBytes", "1 MiB/s", stream.Capabilities{PartitionWriteBytes: stream.Limit{Value: 1 << 20}}},
		{"PartitionReadCalls", "5 calls/s", stream.Capabilities{PartitionReadCalls: stream.Limit{Value: 5}}},
		{"Retention", "24h, can be raised to 8760h", kinesis()},
		{"Retention", "unlimited", kafka()},
		{"Retention", "1h30m, but at most 1 GiB a partition",
			stream.Capabilities{Retention: stream.Retention{Current: 90 * time.Minute, Bytes: 1 << 30}}},
		{"Partitions", "4", kinesis()},
	} {
		for name, value := range test.have.All() {
			if name == test.name {
				require.Equal(t, test.want, value, name)
			}
		}
	}
}

func TestAllStopsWhenAsked(t *testing.T) {
	for range kafka().All() {
		return
	}
}

// commentOf returns the comment of a type declared in a file of the package.
func commentOf(t *testing.T, file, name string) string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	require.NoError(t, err)
	for _, declaration := range parsed.Decls {
		general, ok := declaration.(*ast.GenDecl)
		if ok && general.Tok == token.TYPE && general.Specs[0].(*ast.TypeSpec).Name.Name == name {
			return general.Doc.Text()
		}
	}
	require.Fail(t, fmt.Sprintf("%s declares no %s", file, name))
	return ""
}

func rowOf(table, name string) string {
	for row := range strings.Lines(table) {
		if strings.HasPrefix(row, name+" ") {
			return row
		}
	}
	return ""
}

package kinesis_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
	"github.com/streamport-go/streamport/stream/streamtest"
)

const (
	failover = 2 * time.Second // of leases in tests
	region   = "us-east-1"
)

// A service is a fake Kinesis and a fake DynamoDB, and the wires to them.
type service struct {
	*fakekinesis.Server
	tables *fakekinesis.Tables
	wires  *wires
}

// serve starts a service without limits a second.
func serve(seed uint64) *service {
	server := fakekinesis.New(fakekinesis.Config{Seed: seed, Settling: 100 * time.Millisecond, Gaps: 0.1})
	tables := fakekinesis.NewTables(fakekinesis.TableOptions{Seed: seed, PageItems: 2})
	return &service{Server: server, tables: tables, wires: newWires(server.RoundTripper(), tables)}
}

// config opens the service, with leases that fail over fast. Nothing is looked up on this machine: the endpoints are
// loopback addresses, which nobody dials.
func (s *service) config() kinesis.Config {
	return kinesis.Config{
		Region: region, Endpoint: "http://127.0.0.1:1", TableEndpoint: "http://127.0.0.1:1", HTTP: s.wires,
		CreateTable: true, Failover: failover, PollEvery: 200 * time.Millisecond, SyncEvery: time.Second, ListingLag: time.Second,
		ProbeEvery: time.Second, BufferBytes: 1 << 20, // readers can be overtaken
	}
}

// plague has the services refuse, lose and delay now and then what is asked of them.
func (s *service) plague() {
	s.Script().Add(
		fakekinesis.Fault{Op: "PutRecords", Chance: 0.1, Kind: fakekinesis.FailEntries, Share: 0.3},
		fakekinesis.Fault{Op: "PutRecords", Chance: 0.05, Kind: fakekinesis.FailEntries, Share: 0.3, Code: "InternalFailure"},
		fakekinesis.Fault{Op: "PutRecords", Chance: 0.05, Kind: fakekinesis.Lose},
		fakekinesis.Fault{Op: "PutRecords", Chance: 0.05, Kind: fakekinesis.Refuse, Code: "InternalFailure"},
		fakekinesis.Fault{Op: "PutRecord", Chance: 0.1, Kind: fakekinesis.Refuse, Code: "ProvisionedThroughputExceededException"},
		fakekinesis.Fault{Op: "PutRecord", Chance: 0.05, Kind: fakekinesis.Lose},
		fakekinesis.Fault{Op: "GetRecords", Chance: 0.05, Kind: fakekinesis.Refuse, Code: "ProvisionedThroughputExceededException"},
	)
	s.tables.Script().Add(
		fakekinesis.Fault{Op: "UpdateItem", Chance: 0.05, Kind: fakekinesis.Refuse, Code: "ProvisionedThroughputExceededException"},
		fakekinesis.Fault{Op: "UpdateItem", Chance: 0.05, Kind: fakekinesis.Lose},
	)
}

// openConfig opens c; it is closed when the test is over, if it is not closed before.
func openConfig(t testing.TB, c kinesis.Config) *kinesis.Backend {
	b, err := kinesis.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// fakeHarness gives the suite all that can be done to the fake services. Every rule runs in a bubble.
func fakeHarness(t testing.TB, change func(*kinesis.Config)) streamtest.Harness {
	s := serve(1)
	config := func(s *service) kinesis.Config {
		c := s.config()
		change(&c)
		return c
	}
	return streamtest.Harness{
		Backend: openConfig(t, config(s)), Bubble: true,
		Pause: s.wires.pause, Resume: s.wires.resume, Cut: s.wires.sever,
		Expel: s.expel,
		Split: func(name, shard string) error {
			_, _, err := s.Split(name, shard)
			return err
		},
		Merge: func(name, left, right string) error {
			_, err := s.Merge(name, left, right)
			return err
		},
		// No Trim: the service tells of what retention took by nothing but time, so it cannot be taken at a position. Records
		// expire in TestExpired of package consumer, and in the model of package lineage.
		Grow:   s.grow,
		Reopen: func(ctx context.Context) (stream.Backend, error) { return kinesis.Open(ctx, config(s)) },
		Trouble: func(t testing.TB) stream.Backend {
			s := serve(2)
			s.plague()
			return openConfig(t, config(s))
		},
	}
}

// expel has the table forget that a member holds anything, as a take by somebody else would.
func (s *service) expel(group, member string) error {
	expelled := false
	for _, name := range s.Streams() {
		table := group + "-" + name
		for key, item := range s.tables.Items(table) {
			if item["leaseOwner"].Text() != member {
				continue
			}
			n, err := strconv.ParseInt(item["leaseCounter"].Text(), 10, 64)
			if err != nil {
				return err
			}
			raised, err := fakekinesis.ReadItem(fmt.Appendf(nil, `{"leaseCounter":{"N":"%d"}}`, n+1))
			if err != nil {
				return err
			}
			item["leaseCounter"] = raised["leaseCounter"]
			delete(item, "leaseOwner")
			delete(item, "checkpointOwner")
			if err := s.tables.Put(table, item); err != nil {
				return err
			}
			expelled = expelled || key != ""
		}
	}
	if !expelled {
		return fmt.Errorf("%w: no member %s holds anything in group %s", stream.ErrNotFound, member, group)
	}
	return nil
}

// grow splits shards until there are so many.
func (s *service) grow(name string, shards int) error {
	for {
		open, err := s.OpenShards(name)
		if err != nil || len(open) >= shards {
			return err
		}
		if _, _, err := s.Split(name, open[0]); err != nil {
			return err
		}
	}
}

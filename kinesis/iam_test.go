package kinesis_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/kinesis/internal/awskinesis"
	"github.com/streamport-go/streamport/stream"
)

// policies is where the documented rights stand, for group g, stream s and consumer c.
var (
	policies = filepath.Join("..", "docs", "iam")
	named    = strings.NewReplacer("REGION", region, "ACCOUNT", "123456789012", "GROUP", "g", "STREAM", "s", "CONSUMER", "c")
)

// iamParts are the parts of the adapter that docs/iam tells apart. The files of a part give every right that it uses, and
// none that it does not use.
var iamParts = []struct {
	name  string
	files []string
	play  func(t *testing.T, s *service, c kinesis.Config)
}{
	{"producers", []string{"producer.json"}, func(t *testing.T, _ *service, c kinesis.Config) {
		for _, m := range modes {
			c := c
			m.change(&c)
			produce(t, c, "s")
		}
	}},
	{"consumers", []string{"consumer.json"}, func(t *testing.T, s *service, c kinesis.Config) {
		c.CreateTable = false
		makeTable(t, s, "g-s")
		consumerLife(t, s, c)
		c.Static = true
		readOnce(t, c, stream.ConsumerConfig{})
	}},
	{"consumers that share with KCL", []string{"consumer.json", "shared.json"},
		func(t *testing.T, s *service, c kinesis.Config) {
			c.CreateTable, c.Shared = false, true
			makeTable(t, s, "g-s")
			consumerLife(t, s, c)
		}},
	{"consumers that make the table", []string{"consumer.json", "create-table.json"}, consumerLife},
	{"consumers with fan-out", []string{"consumer.json", "create-table.json", "fan-out.json"},
		func(t *testing.T, s *service, c kinesis.Config) {
			c.FanOut = "c"
			consumerLife(t, s, c)
			readOnce(t, c, stream.ConsumerConfig{}) // without a group it polls
		}},
	{"ensuring", []string{"ensure.json"}, func(t *testing.T, s *service, c kinesis.Config) {
		require.NoError(t, s.Drop("s"))
		b := openConfig(t, c)
		asked := stream.StreamConfig{Name: "s", Partitions: 2, Retention: 48 * time.Hour, MaxRecordBytes: 2 << 20}
		require.NoError(t, stream.EnsureStream(t.Context(), b, asked))
		require.NoError(t, stream.EnsureStream(t.Context(), b, asked))
		asked.Retention = 24 * time.Hour
		require.ErrorIs(t, stream.EnsureStream(t.Context(), b, asked), stream.ErrInvalid)
		require.NoError(t, b.Close())
		require.NoError(t, s.Drop("s"))
		c.HTTP = forgetful{c.HTTP}
		b = openConfig(t, c)
		asked.Retention = 48 * time.Hour
		require.NoError(t, stream.EnsureStream(t.Context(), b, asked))
		require.NoError(t, b.Close())
	}},
}

// uncalled are the operations that the layer below knows and no part of the adapter calls.
var uncalled = map[string]string{
	"DecreaseStreamRetentionPeriod": "a stream that was just made has the shortest retention, and others are not changed",
	"DeregisterStreamConsumer":      "no process knows that nobody else reads by a consumer",
}

// Every part of the adapter calls what docs/iam gives it, and all of it.
func TestOperationsAreTheDocumentedOnes(t *testing.T) {
	documented := map[string]bool{}
	for _, part := range iamParts {
		t.Run(part.name, func(t *testing.T) {
			rights := grants(t, part.files...)
			var calls *notary
			synctest.Test(t, func(t *testing.T) {
				s := serve(1)
				require.NoError(t, s.Create("s", 1))
				calls = &notary{next: s.wires, calls: map[call]bool{}}
				c := s.config()
				c.HTTP = calls
				part.play(t, s, c)
			})
			used := map[string]bool{}
			for _, one := range calls.all() {
				used[one.action] = true
				require.True(t, rights.allow(one), "%s on %s is not documented", one.action, one.resource)
			}
			require.Equal(t, rights.actions(), slices.Sorted(maps.Keys(used)), "what is documented is not what is called")
		})
		for _, action := range grants(t, part.files...).actions() {
			documented[action] = true
		}
	}
	files, err := filepath.Glob(filepath.Join(policies, "*.json"))
	require.NoError(t, err)
	for _, file := range files {
		for _, action := range grants(t, filepath.Base(file)).actions() {
			require.True(t, documented[action], "%s of %s belongs to no part", action, file)
		}
	}
	for _, op := range awskinesis.Operations() {
		require.Equal(t, uncalled[op] == "", documented["kinesis:"+op], "whether %s is called, and documented", op)
		delete(documented, "kinesis:"+op)
	}
	for action := range documented {
		require.True(t, strings.HasPrefix(action, "dynamodb:"), "%s is documented and not called", action)
	}
}

// Lag needs the consumer's rights except those that write, and readings without a group no table.
func TestRightsOfThoseWhoOnlyLook(t *testing.T) {
	for name, c := range map[string]struct {
		play    func(t *testing.T, s *service, c kinesis.Config)
		actions []string
	}{
		"lag": {
			func(t *testing.T, _ *service, c kinesis.Config) { lagOf(t, c) },
			[]string{
				"dynamodb:DescribeTable", "dynamodb:Scan",
				"kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards",
			},
		},
		"a reading": {
			func(t *testing.T, _ *service, c kinesis.Config) { readOnce(t, c, stream.ConsumerConfig{}) },
			[]string{"kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(1)
				require.NoError(t, s.Create("s", 1))
				consumerLife(t, s, s.config())
				calls := &notary{next: s.wires, calls: map[call]bool{}}
				config := s.config()
				config.HTTP, config.CreateTable = calls, false
				c.play(t, s, config)
				var used []string
				for _, one := range calls.all() {
					used = append(used, one.action)
				}
				slices.Sort(used)
				require.Equal(t, c.actions, slices.Compact(used))
			})
		})
	}
}

// produce sends a few records and closes all.
func produce(t *testing.T, c kinesis.Config, name string) {
	t.Helper()
	b := openConfig(t, c)
	p, err := stream.NewProducer(t.Context(), b, stream.ProducerConfig{Streams: []string{name}})
	require.NoError(t, err)
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		require.NoError(t, p.Send(t.Context(), &stream.Record{Stream: name, Key: []byte(key), Value: []byte("v")}))
	}
	require.NoError(t, p.Close(t.Context()))
	require.NoError(t, b.Close())
}

// consumerLife is all that a group does: to begin, to read, to follow a split and a merge, to fall behind retention, and
// to forget what is gone.
func consumerLife(t *testing.T, s *service, c kinesis.Config) {
	t.Helper()
	put := s.config() // with rights of its own
	produce(t, put, "s")
	lower, upper, err := s.Split("s", "shardId-000000000000")
	require.NoError(t, err)
	produce(t, put, "s")
	_, err = s.Merge("s", lower, upper)
	require.NoError(t, err)
	produce(t, put, "s")
	group := stream.ConsumerConfig{Group: "g"}
	readOnce(t, c, group)
	lagOf(t, c)
	time.Sleep(25 * time.Hour)
	produce(t, put, "s")
	group.Expired = stream.ExpiredOldest
	b := openConfig(t, c)
	group.Streams = []string{"s"}
	consumer, err := stream.NewConsumer(t.Context(), b, group)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // rows of what is trimmed are collected at leisure
	defer cancel()
	require.NoError(t, consumer.Run(ctx, all))
	require.NoError(t, b.Close())
}

// all handles whatever comes.
var all = stream.Each(func(context.Context, *stream.Record) error { return nil })

// readOnce reads stream s to its end.
func readOnce(t *testing.T, c kinesis.Config, reading stream.ConsumerConfig) {
	t.Helper()
	b := openConfig(t, c)
	reading.Streams, reading.End = []string{"s"}, stream.Latest()
	consumer, err := stream.NewConsumer(t.Context(), b, reading)
	require.NoError(t, err)
	require.NoError(t, consumer.Run(t.Context(), all))
	require.NoError(t, b.Close())
}

func lagOf(t *testing.T, c kinesis.Config) {
	t.Helper()
	b := openConfig(t, c)
	consumer, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{Group: "g", Streams: []string{"s"}})
	require.NoError(t, err)
	_, err = consumer.Lag(t.Context())
	require.NoError(t, err)
	require.NoError(t, b.Close())
}

// A forgetful service does not know the record size of a stream that it makes, as emulators do not.
type forgetful struct{ next http.RoundTripper }

func (f forgetful) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".CreateStream") {
		var asked map[string]any
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			return nil, err
		}
		delete(asked, "MaxRecordSizeInKiB")
		body, err := json.Marshal(asked)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	return f.next.RoundTrip(r)
}

// makeTable makes an empty lease table, as an administrator would.
func makeTable(t *testing.T, s *service, name string) {
	t.Helper()
	row, err := fakekinesis.ReadItem([]byte(`{"leaseKey":{"S":"x"}}`))
	require.NoError(t, err)
	require.NoError(t, s.tables.Put(name, row))
	s.tables.Remove(name, "x")
}

// A policy is a file of docs/iam.
type policy struct {
	Statement []struct {
		Effect           string
		Action, Resource list
	}
}

// A list is a string, or several.
type list []string

func (l *list) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte("[")) {
		return json.Unmarshal(text, (*[]string)(l))
	}
	*l = []string{""}
	return json.Unmarshal(text, &(*l)[0])
}

// Rights are the resources of each action.
type rights map[string][]string

func grants(t *testing.T, files ...string) rights {
	t.Helper()
	found := rights{}
	for _, file := range files {
		var p policy
		read(t, filepath.Join(policies, file), &p)
		for _, s := range p.Statement {
			require.Equal(t, "Allow", s.Effect)
			for _, action := range s.Action {
				found[action] = append(found[action], s.Resource...)
			}
		}
	}
	return found
}

func (r rights) actions() []string { return slices.Sorted(maps.Keys(r)) }

// allow reports whether a call is allowed. An asterisk ends a resource.
func (r rights) allow(c call) bool {
	return slices.ContainsFunc(r[c.action], func(resource string) bool {
		prefix, open := strings.CutSuffix(named.Replace(resource), "*")
		return c.resource == prefix || open && strings.HasPrefix(c.resource, prefix)
	})
}

// A call is an operation on a resource, as IAM names them.
type call struct{ action, resource string }

// A notary writes down what is called.
type notary struct {
	next http.RoundTripper

	mu    sync.Mutex // guards what follows
	calls map[call]bool
}

// RoundTrip notes the call and passes it on.
func (n *notary) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	n.note(r.Header.Get("X-Amz-Target"), body)
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	return n.next.RoundTrip(again)
}

func (n *notary) note(target string, body []byte) {
	var names struct{ ConsumerARN, StreamARN, TableName string }
	_ = json.Unmarshal(body, &names) // CBOR names streams only
	place, op, _ := strings.Cut(target, ".")
	streamARN := named.Replace("arn:aws:kinesis:REGION:ACCOUNT:stream/STREAM")
	one := call{"kinesis:" + op, cmp.Or(names.ConsumerARN, names.StreamARN, streamARN)}
	if strings.HasPrefix(place, "DynamoDB") {
		one = call{"dynamodb:" + op, named.Replace("arn:aws:dynamodb:REGION:ACCOUNT:table/") + names.TableName}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls[one] = true
}

func (n *notary) all() []call {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.SortedFunc(maps.Keys(n.calls), func(a, b call) int { return strings.Compare(a.action, b.action) })
}

//go:build servers

package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/internal/secret"
	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// uses are what the lists of docs/kafka-acls.md are for, by heading.
var uses = map[string]func(ctx context.Context, b *kafka.Backend) error{
	"Producer":                      aclProduce,
	"Producer that asks for limits": aclProduce,
	"Transactional producer":        aclTransact,
	"Consumer with a group":         func(ctx context.Context, b *kafka.Backend) error { return aclConsume(ctx, b, "billing") },
	"Consumer that asks for limits": func(ctx context.Context, b *kafka.Backend) error { return aclConsume(ctx, b, "billing") },
	"Reader without a group":        func(ctx context.Context, b *kafka.Backend) error { return aclConsume(ctx, b, "") },
	"EnsureStream":                  aclEnsure,
	"Capabilities":                  aclProbe,
}

func TestExactlyTheDocumentedRightsAreNeeded(t *testing.T) {
	cluster := testenv.Run(t, testenv.Config{ACLs: true, Secure: true})
	admin, err := kafka.Open(t.Context(), kafka.Config{Brokers: cluster.Bootstrap()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, admin.Close()) })
	require.NoError(t, stream.EnsureStream(t.Context(), admin, stream.StreamConfig{Name: "orders", Partitions: 1}))
	for range 200 { // a consumer takes one a try
		require.NoError(t, aclProduce(t.Context(), admin))
	}
	lists := aclLists(t, "../docs/kafka-acls.md")
	require.Len(t, lists, len(uses), "a list has no test, or a test no list")
	for use, rules := range lists {
		t.Run(use, func(t *testing.T) {
			require.Contains(t, uses, use)
			require.NotEmpty(t, rules)
			for without := -1; without < len(rules); without++ {
				granted := slices.Clone(rules)
				expected := ""
				if without >= 0 {
					expected = rules[without].without
					granted = slices.Delete(granted, without, without+1)
				}
				grant(t, admin.Client(), granted)
				for _, l := range []library{franzGo, kafkaGo} {
					forget(t, admin.Client(), "made")
					tried(t, l, cluster, use, expected)
				}
			}
		})
	}
}

// tried runs a use until it ends as expected: brokers take a moment to learn of rules.
func tried(t *testing.T, l library, cluster *testenv.Cluster, use, expected string) {
	t.Helper()
	if l == kafkaGo && use == "Transactional producer" {
		return // it has none
	}
	var last error
	for range 40 {
		last = aclTry(t, l, cluster, use)
		if asDocumented(last, expected) {
			return
		}
		time.Sleep(100 * time.Millisecond) // no answer of a broker tells that its rules are the newest
	}
	require.Failf(t, "not as documented", "%s through %s: expected %q, got %v", use, l.name(), expected, last)
}

// aclTry runs a use as alice.
func aclTry(t *testing.T, l library, cluster *testenv.Cluster, use string) error {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	b, err := l.open(ctx, kafka.Config{
		Brokers: cluster.SASLPlain(),
		SASL: kafka.SASL{
			Mechanism: kafka.Plain, User: testenv.Alice, Password: secret.New(testenv.AlicePassword), AllowPlaintext: true,
		},
	})
	if err != nil {
		return err
	}
	return errors.Join(uses[use](ctx, b), b.Close())
}

// errUnknown lists the capabilities that are unknown.
type errUnknown []string

func (e errUnknown) Error() string { return "unknown: " + strings.Join(e, ", ") }

func asDocumented(err error, expected string) bool {
	if expected == "" || expected == "works" {
		return err == nil
	}
	if words, ok := strings.CutPrefix(expected, "refused: "); ok {
		operation, resource, _ := strings.Cut(words, " on the ")
		return errors.Is(err, stream.ErrUnauthorized) &&
			strings.Contains(err.Error(), operation) && strings.Contains(err.Error(), resource)
	}
	var unknown errUnknown
	return errors.As(err, &unknown) && unknown.Error() == expected
}

func aclProduce(ctx context.Context, b *kafka.Backend) error {
	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{Streams: []string{"orders"}})
	if err != nil {
		return err
	}
	return errors.Join(p.Send(ctx, &stream.Record{Stream: "orders", Value: []byte("v")}), p.Close(ctx))
}

func aclTransact(ctx context.Context, b *kafka.Backend) error {
	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{
		Streams: []string{"orders"}, Require: stream.Requirements{Transactions: stream.Native}, Member: "acl", Sessions: 1,
	})
	if err != nil {
		return err
	}
	err = p.Transact(ctx, func(tx stream.Tx) error {
		return tx.Send(ctx, &stream.Record{Stream: "orders", Value: []byte("v")})
	})
	return errors.Join(err, p.Close(ctx))
}

// aclConsume reads one record, and checkpoints it in a group.
func aclConsume(ctx context.Context, b *kafka.Backend, group string) error {
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: group, Streams: []string{"orders"}})
	if err != nil {
		return err
	}
	return c.Run(ctx, func(ctx context.Context, p *stream.Partition) error {
		for rec, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			if group == "" {
				return nil
			}
			return p.Checkpoint(ctx, rec)
		}
		return nil
	})
}

// aclEnsure makes a topic, and then compares it.
func aclEnsure(ctx context.Context, b *kafka.Backend) error {
	asked := stream.StreamConfig{Name: "made", Partitions: 1, Retention: time.Hour}
	return errors.Join(stream.EnsureStream(ctx, b, asked), stream.EnsureStream(ctx, b, asked))
}

func aclProbe(ctx context.Context, b *kafka.Backend) error {
	c, err := b.Capabilities(ctx, "orders")
	if err != nil {
		return err
	}
	var unknown errUnknown
	for name, value := range c.All() {
		if value == stream.Unknown.String() {
			unknown = append(unknown, name)
		}
	}
	if unknown != nil {
		return unknown
	}
	return nil
}

// aclRule is a row of a list.
type aclRule struct{ operation, resource, name, without string }

// aclLists reads the tables under the headings of a page.
func aclLists(t *testing.T, page string) map[string][]aclRule {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	lists := map[string][]aclRule{}
	use := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			use = heading
		}
		cells := strings.Split(line, "|")
		if len(cells) != 6 || strings.HasPrefix(line, "|--") || strings.HasPrefix(line, "| operation") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		lists[use] = append(lists[use], aclRule{cells[1], cells[2], cells[3], cells[4]})
	}
	return lists
}

// grant takes all of alice's rules away, and gives her these.
func grant(t *testing.T, cl *kgo.Client, rules []aclRule) {
	t.Helper()
	drop := kmsg.NewPtrDeleteACLsRequest()
	all := kmsg.NewDeleteACLsRequestFilter()
	principal := "User:" + testenv.Alice
	all.Principal, all.ResourceType, all.ResourcePatternType = &principal, kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	all.Operation, all.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	drop.Filters = append(drop.Filters, all)
	dropped, err := drop.RequestWith(t.Context(), cl)
	require.NoError(t, err)
	require.Zero(t, dropped.Results[0].ErrorCode)
	add := kmsg.NewPtrCreateACLsRequest()
	for _, rule := range rules {
		add.Creations = append(add.Creations, rule.creation(t, principal))
	}
	if len(rules) == 0 {
		return
	}
	added, err := add.RequestWith(t.Context(), cl)
	require.NoError(t, err)
	for _, result := range added.Results {
		require.Zero(t, result.ErrorCode, fmt.Sprint(result.ErrorMessage))
	}
}

// forget deletes a topic, if it is there.
func forget(t *testing.T, cl *kgo.Client, topic string) {
	t.Helper()
	drop := kmsg.NewPtrDeleteTopicsRequest()
	drop.TopicNames = []string{topic}
	one := kmsg.NewDeleteTopicsRequestTopic()
	one.Topic = &topic
	drop.Topics = append(drop.Topics, one)
	_, err := drop.RequestWith(t.Context(), cl)
	require.NoError(t, err)
}

func (r aclRule) creation(t *testing.T, principal string) kmsg.CreateACLsRequestCreation {
	t.Helper()
	c := kmsg.NewCreateACLsRequestCreation()
	c.Principal, c.Host, c.PermissionType, c.ResourceName = principal, "*", kmsg.ACLPermissionTypeAllow, r.name
	kind, prefix := strings.CutSuffix(r.resource, " prefix")
	c.ResourcePatternType = kmsg.ACLResourcePatternTypeLiteral
	if prefix {
		c.ResourcePatternType = kmsg.ACLResourcePatternTypePrefixed
	}
	var err error
	c.ResourceType, err = kmsg.ParseACLResourceType(strings.ReplaceAll(kind, " ", "_"))
	require.NoError(t, err)
	c.Operation, err = kmsg.ParseACLOperation(r.operation)
	require.NoError(t, err)
	return c
}

package streamtest

import (
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func ensureRules() []rule {
	return []rule{
		{"EnsureWaits", "EnsureStream returns when the stream can be written to and read from.", nil, ensureWaits},
		{"EnsureIdempotent", "a stream that exists and has what was asked is nil; one that differs is ErrInvalid, " +
			"naming every field that differs, and is left as it is.", nil, ensureIdempotent},
		{"EnsureRefuses",
			"what the backend cannot give is ErrUnsupported, and nothing is made.", []string{"Compaction"}, ensureRefuses},
	}
}

// ensurer ends the rule where the backend cannot make streams and says so.
func (t *T) ensurer() stream.Ensurer {
	e, ok := t.Backend.(stream.Ensurer)
	if !ok {
		err := stream.EnsureStream(t.ctx, t.Backend, stream.StreamConfig{Name: "orders"})
		t.is(err, stream.ErrUnsupported, "EnsureStream of a backend that is no Ensurer")
		t.cannot("the backend is no Ensurer, and says so")
	}
	return e
}

func ensureWaits(t *T) {
	t.ensurer()
	name := t.name("stream")
	t.is(stream.EnsureStream(t.ctx, t.Backend, stream.StreamConfig{Name: name, Partitions: 2}), nil, "EnsureStream")
	recs := numbered(name, 3, 3)
	t.send(recs...)
	t.has(name, recs...)
	if n := t.capabilities(name).Partitions; n != 0 {
		t.check(n == 2, "a stream of 2 partitions has %d", n)
	}
}

func ensureIdempotent(t *T) {
	e := t.ensurer()
	made := stream.StreamConfig{Name: t.name("stream"), Partitions: 2}
	t.ok(e.EnsureStream(t.ctx, made), "EnsureStream")
	rec := plain(made.Name, "k", "kept")
	t.send(rec)
	before := t.capabilities(made.Name)
	t.is(e.EnsureStream(t.ctx, made), nil, "EnsureStream as before")
	t.is(e.EnsureStream(t.ctx, stream.StreamConfig{Name: made.Name}), nil, "EnsureStream that asks for nothing")
	other := stream.StreamConfig{Name: made.Name, Partitions: 3}
	fields := []string{"Partitions"}
	if keep := before.Retention.Current; keep > 0 {
		other.Retention = keep + 24*time.Hour
		fields = append(fields, "Retention")
	}
	if limit := before.MaxRecordBytes; limit.Value > 0 && !limit.Hard {
		other.MaxRecordBytes = limit.Value + 4096
		fields = append(fields, "MaxRecordBytes")
	}
	err := e.EnsureStream(t.ctx, other)
	t.is(err, stream.ErrInvalid, "EnsureStream of a stream that is otherwise")
	t.answer("EnsureStream of a stream that is otherwise", err)
	for _, field := range fields {
		t.check(err != nil && strings.Contains(err.Error(), field), "%s differs and is not named: %v", field, err)
	}
	after := t.capabilities(made.Name)
	t.check(reflect.DeepEqual(before, after), "the stream is changed:\n%s", stream.Diff(before, after))
	t.has(made.Name, rec)
}

func ensureRefuses(t *T) {
	e := t.ensurer()
	for what, c := range map[string]stream.StreamConfig{
		"without name":               {},
		"whose name has a space":     {Name: "a name"},
		"whose name is ..":           {Name: ".."},
		"with a name of 300 letters": {Name: strings.Repeat("n", 300)},
		"of -1 partitions":           {Name: t.name("negative"), Partitions: -1},
		"with records of -1 bytes":   {Name: t.name("negative"), MaxRecordBytes: -1},
	} {
		err := stream.EnsureStream(t.ctx, t.Backend, c)
		t.is(err, stream.ErrInvalid, "a stream %s", what)
		t.answer("a stream "+what, err)
	}
	for what, c := range map[string]stream.StreamConfig{
		"with records of 1 TiB":         {MaxRecordBytes: 1 << 40},
		"that keeps records 200 years":  {Retention: 200 * 365 * 24 * time.Hour},
		"that keeps records 1 ns":       {Retention: 1},
		"that keeps records for ever":   {Retention: -1},
		"that keeps each key's last":    {Compacted: true},
		"of 7 partitions":               {Partitions: 7},
		"with records of 4 KiB":         {MaxRecordBytes: 4 << 10},
		"that keeps records for 2 days": {Retention: 48 * time.Hour},
	} {
		c.Name = t.name("odd")
		err := e.EnsureStream(t.ctx, c)
		t.answer("a stream "+what, err)
		if err == nil {
			t.asMade(what, c)
			continue
		}
		refused := errors.Is(err, stream.ErrUnsupported) || errors.Is(err, stream.ErrInvalid)
		t.check(refused, "a stream %s is refused with %v", what, err)
		_, err = t.Backend.Capabilities(t.ctx, c.Name)
		t.is(err, stream.ErrNotFound, "a stream %s that was refused", what)
	}
}

// asMade fails unless the capabilities of a stream say what it was made for.
func (t *T) asMade(what string, asked stream.StreamConfig) {
	c := t.capabilities(asked.Name)
	if asked.Partitions > 0 && c.Partitions > 0 {
		t.check(c.Partitions == asked.Partitions, "a stream %s has %d partitions", what, c.Partitions)
	}
	if asked.MaxRecordBytes > 0 {
		t.check(c.MaxRecordBytes.Value == asked.MaxRecordBytes,
			"a stream %s allows records of %d bytes", what, c.MaxRecordBytes.Value)
	}
	if asked.Compacted {
		t.check(c.Compaction.Support > stream.None, "a stream %s is not compacted", what)
	}
	switch {
	case asked.Retention < 0:
		t.check(c.Retention.Unlimited, "a stream %s keeps them for %v", what, c.Retention.Current)
	case asked.Retention > 0:
		t.check(c.Retention.Current >= asked.Retention, "a stream %s keeps them for %v", what, c.Retention.Current)
	}
}

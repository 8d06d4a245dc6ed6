package aggregate_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/streamport-go/streamport/kinesis/internal/aggregate"
	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// arrival is when the service says that everything here arrived.
var arrival = time.UnixMilli(1_700_000_000_123)

func sealer(t require.TestingT, compression string) *aggregate.Sealer {
	s := &aggregate.Sealer{Spread: random().Uint64}
	if compression != "" {
		zip, err := aggregate.NewZip(compression)
		require.NoError(t, err)
		s.Zip = zip
	}
	return s
}

// store makes the Kinesis record of a sealed record.
func store(t require.TestingT, s aggregate.Sealed) api.Record {
	r := api.Record{Key: s.Key, Sequence: "42", Data: s.Data, Arrival: arrival}
	if len(s.Tags) > 0 {
		var e aggregate.Encoder
		require.True(t, e.Add(s.Key, "", s.Data, s.Tags))
		r.Data = e.AppendTo(nil)
	}
	require.Equal(t, len(r.Key)+len(r.Data), s.Size())
	return r
}

// read opens a Kinesis record that must hold one record.
func read(t require.TestingT, r api.Record) (stream.Record, error) {
	o := aggregate.Opener{Stream: "s", Shard: "p", Range: shard.Whole()}
	require.NoError(t, o.Open(r))
	recs, _, errs := drain(&o)
	require.Len(t, recs, 1)
	if len(errs) > 0 {
		return recs[0], errs[0]
	}
	return recs[0], nil
}

// records are all that a user may send.
func records() *rapid.Generator[*stream.Record] {
	maybe := func(g *rapid.Generator[[]byte]) *rapid.Generator[[]byte] {
		return rapid.OneOf(rapid.Just[[]byte](nil), rapid.Just([]byte{}), g)
	}
	anyBytes := rapid.SliceOf(rapid.Byte())
	text := rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) })
	long := rapid.Map(rapid.IntRange(1, 2000), func(n int) []byte { return bytes.Repeat([]byte("é"), n) })
	value := maybe(rapid.OneOf(anyBytes, text, long))
	odd := rapid.SampledFrom([]string{"sp-v", "sp-key", "sp-h:", "sp-", "%", "%41", "", "\xff%\xfe"})
	name := rapid.OneOf(rapid.String(), odd,
		rapid.Map(anyBytes, func(b []byte) string { return string(b) }))
	return rapid.Custom(func(t *rapid.T) *stream.Record {
		r := &stream.Record{Key: value.Draw(t, "key"), Value: value.Draw(t, "value")}
		for range rapid.IntRange(0, 5).Draw(t, "headers") {
			r.Headers = append(r.Headers, stream.Header{Key: name.Draw(t, "name"), Value: value.Draw(t, "header")})
		}
		if rapid.Bool().Draw(t, "timed") {
			r.Time = time.UnixMilli(rapid.Int64Range(0, 253402300799999).Draw(t, "time"))
		}
		return r
	})
}

func TestEverythingOfARecordComesBack(t *testing.T) {
	for _, compression := range []string{"", aggregate.Gzip, aggregate.Zstd} {
		t.Run("compression "+compression, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				rec := records().Draw(t, "record")
				sealed, err := sealer(t, compression).Seal(rec)
				require.NoError(t, err)
				requireStorable(t, sealed)
				_, needs := aggregate.Needs(rec)
				if compression == "" {
					require.Equal(t, needs, len(sealed.Tags) > 0, "a plain record stays one")
				}
				got, err := read(t, store(t, sealed))
				require.NoError(t, err)
				want := *rec
				want.Stream, want.Partition = "s", "p"
				want.Position, _ = shard.Position("42", 0)
				if want.Time.IsZero() {
					want.Time = arrival
				}
				require.Equal(t, want, got)
			})
		})
	}
}

// requireStorable requires what Kinesis and Java's strings need.
func requireStorable(t require.TestingT, s aggregate.Sealed) {
	require.True(t, utf8.ValidString(s.Key))
	require.NotEmpty(t, s.Key)
	require.LessOrEqual(t, utf8.RuneCountInString(s.Key), 256)
	require.NotNil(t, s.Data)
	for _, tag := range s.Tags {
		require.True(t, utf8.ValidString(tag.Name), "%q", tag.Name)
		require.True(t, utf8.Valid(tag.Value), "%q", tag.Value)
	}
}

// What needs tags here is what package memory refuses without.
func TestNeedsIsWhatTheMemoryProfileRefuses(t *testing.T) {
	config := memory.Config{Profile: memory.Kinesis, NoRateLimits: true, Streams: []stream.StreamConfig{{Name: "s"}}}
	backend, err := memory.Open(t.Context(), config)
	require.NoError(t, err)
	defer func() { require.NoError(t, backend.Close()) }()
	p, err := stream.NewProducer(t.Context(), backend, stream.ProducerConfig{Streams: []string{"s"}})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close(t.Context())) }()
	rapid.Check(t, func(rt *rapid.T) {
		rec := records().Draw(rt, "record")
		rec.Stream = "s"
		if !rec.Time.IsZero() {
			rec.Time = time.Now()
		}
		why, needs := aggregate.Needs(rec)
		require.Equal(rt, needs, p.Send(t.Context(), rec) != nil)
		require.Equal(rt, needs, why != "")
	})
}

func TestOrdinaryHeadersArePlainTags(t *testing.T) {
	rec := &stream.Record{Key: []byte("k"), Value: []byte("v"), Headers: []stream.Header{
		{Key: "content-type", Value: []byte("text/plain")}, {Key: "nil"}, {Key: "100%", Value: []byte{}}}}
	sealed, err := sealer(t, "").Seal(rec)
	require.NoError(t, err)
	require.Equal(t, []aggregate.Tag{{Name: "content-type", Value: []byte("text/plain")}, {Name: "nil"},
		{Name: "100%", Value: []byte{}}}, sealed.Tags)
	require.Equal(t, "k", sealed.Key)
}

func TestEqualKeysStayTogetherAndNilKeysSpread(t *testing.T) {
	s := sealer(t, "")
	key := func(k []byte) string {
		sealed, err := s.Seal(&stream.Record{Key: k, Value: []byte{}})
		require.NoError(t, err)
		return sealed.Key
	}
	long := bytes.Repeat([]byte("k"), 257)
	for _, k := range [][]byte{{}, []byte("\xff"), long} {
		require.Equal(t, key(k), key(bytes.Clone(k)))
	}
	require.NotEqual(t, key([]byte("\xff")), key([]byte("\xfe")))
	require.NotEqual(t, key(nil), key(nil))
	require.Equal(t, strings.Repeat("é", 256), key([]byte(strings.Repeat("é", 256))), "256 characters are a key")
}

// Tags that this library never writes are headers if the first is not sp-v, and else make the record corrupt.
func TestTagsThatOnlyLookLikeOurs(t *testing.T) {
	v1 := aggregate.Tag{Name: "sp-v", Value: []byte("1")}
	tag := func(name, value string) aggregate.Tag { return aggregate.Tag{Name: name, Value: []byte(value)} }
	for name, tags := range map[string][]aggregate.Tag{
		"another version":      {tag("sp-v", "2")},
		"no version":           {{Name: "sp-v"}},
		"the version twice":    {v1, v1},
		"an unknown name":      {v1, tag("sp-new", "")},
		"a key of no kind":     {v1, tag("sp-key", "")},
		"a key of new kind":    {v1, tag("sp-key", "x")},
		"a key's bad base64":   {v1, tag("sp-key", "b!")},
		"a key twice":          {v1, tag("sp-key", "n"), tag("sp-key", "n")},
		"a key after headers":  {v1, tag("h", ""), tag("sp-key", "n")},
		"no time":              {v1, tag("sp-time", "now")},
		"a time without value": {v1, {Name: "sp-time"}},
		"an early time":        {v1, tag("sp-time", "-1")},
		"a late time":          {v1, tag("sp-time", "253402300800000")},
		"nil and a value":      {v1, tag("sp-nil", "v")},
		"nil of what":          {v1, tag("sp-nil", "k")},
		"a header of no kind":  {v1, tag("sp-h:a", "")},
		"a name's bad escape":  {v1, tag("sp-h:%4", "t")},
		"another bad escape":   {v1, tag("sp-h:%zz", "t")},
		"compression alone":    {v1, tag("sp-zip", "gzip")},
		"of size zero":         {v1, tag("sp-zip", "gzip 0")},
		"of a huge size":       {v1, tag("sp-zip", "gzip 99999999")},
		"of a new kind":        {v1, tag("sp-zip", "brotli 10")},
		"of no gzip":           {v1, tag("sp-zip", "gzip 10")},
		"of no zstd":           {v1, tag("sp-zip", "zstd 10")},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := read(t, store(t, aggregate.Sealed{Key: "k", Data: []byte("v"), Tags: tags}))
			require.ErrorIs(t, err, stream.ErrCorrupt)
			require.Nil(t, r.Value)
			require.NotZero(t, r.Position)
		})
	}
	r, err := read(t, store(t, aggregate.Sealed{Key: "k", Tags: []aggregate.Tag{tag("a", "1"), tag("sp-v", "2")}}))
	require.NoError(t, err)
	require.Equal(t, []stream.Header{{Key: "a", Value: []byte("1")}, {Key: "sp-v", Value: []byte("2")}}, r.Headers)
}

func TestCompressedValuesAreBounded(t *testing.T) {
	big := make([]byte, 1<<20)
	for _, kind := range []string{aggregate.Gzip, aggregate.Zstd} {
		sealed, err := sealer(t, kind).Seal(&stream.Record{Key: []byte("k"), Value: big})
		require.NoError(t, err)
		require.Less(t, len(sealed.Data), 4<<10)
		for i, tag := range sealed.Tags {
			if tag.Name == "sp-zip" { // it says that it is small
				sealed.Tags[i].Value = []byte(kind + " 1000")
			}
		}
		r := store(t, sealed)
		require.Less(t, allocated(func() {
			_, err = read(t, r)
		}), uint64(512<<10), kind)
		require.ErrorIs(t, err, stream.ErrCorrupt)
		_, err = sealer(t, kind).Seal(&stream.Record{Key: []byte("k"), Value: make([]byte, aggregate.MaxUnzipped+1)})
		require.ErrorIs(t, err, stream.ErrTooLarge)
		noise := make([]byte, 1000)
		_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // never fails
		for _, value := range [][]byte{noise, []byte("too small")} {
			sealed, err = sealer(t, kind).Seal(&stream.Record{Key: []byte("k"), Value: value})
			require.NoError(t, err)
			require.Empty(t, sealed.Tags, "it does not shrink")
		}
	}
	_, err := aggregate.NewZip("lzw")
	require.ErrorIs(t, err, stream.ErrInvalid)
}

func TestSealingFromManyGoroutines(t *testing.T) {
	for _, kind := range []string{aggregate.Gzip, aggregate.Zstd} {
		s := sealer(t, kind)
		done := make(chan error, 4)
		for range cap(done) {
			go func() {
				rec := &stream.Record{Key: []byte("k"), Value: bytes.Repeat([]byte("value"), 1000)}
				sealed, err := s.Seal(rec)
				if err == nil {
					var got stream.Record
					if got, err = read(t, store(t, sealed)); err == nil && !bytes.Equal(got.Value, rec.Value) {
						err = stream.ErrCorrupt
					}
				}
				done <- err
			}()
		}
		for range cap(done) {
			require.NoError(t, <-done)
		}
	}
}

func TestRecordsOfAnotherShardAreTold(t *testing.T) {
	half := shard.Range{Last: shard.Hash{High: 1<<63 - 1, Low: 1<<64 - 1}}
	var e aggregate.Encoder
	inside := "0"
	outside := "340282366920938463463374607431768211455"
	for _, hash := range []string{inside, outside, inside, "no number", ""} {
		require.True(t, e.Add("key", hash, nil, nil))
	}
	o := aggregate.Opener{Shard: "p", Range: half}
	require.NoError(t, o.Open(api.Record{Key: "a", Sequence: "7", Data: e.AppendTo(nil)}))
	want := []bool{false, true, false, true, !half.Contains(shard.HashKey("key"))}
	require.True(t, o.AnyForeign())
	for round := range 2 {
		for i, w := range want {
			var rec stream.Record
			foreign, more, err := o.Next(&rec)
			require.NoError(t, err)
			require.True(t, more)
			require.Equal(t, w, foreign, "record %d of round %d", i, round)
			_, sub := shard.Sequence(rec.Position)
			require.EqualValues(t, i, sub)
		}
		require.Equal(t, round == 0, o.AnyForeign(), "begins again")
		if round == 0 {
			o.Range = shard.Whole()
			clear(want)
		}
	}
}

// What was found of one Kinesis record says nothing of the next.
func TestTheNextAggregateIsLookedAtAnew(t *testing.T) {
	o := aggregate.Opener{Range: shard.Range{Last: shard.Hash{High: 1<<63 - 1, Low: 1<<64 - 1}}}
	for hash, want := range map[string]bool{"0": false, "340282366920938463463374607431768211455": true, "1": false} {
		var e aggregate.Encoder
		require.True(t, e.Add("key", hash, nil, nil))
		require.NoError(t, o.Open(api.Record{Key: "a", Sequence: "7", Data: e.AppendTo(nil)}))
		var rec stream.Record
		foreign, _, err := o.Next(&rec)
		require.NoError(t, err)
		require.Equal(t, want, foreign)
	}
}

func TestSkippedRecordsAreNotRead(t *testing.T) {
	var e aggregate.Encoder
	for _, k := range []string{"a", "b", "c"} {
		require.True(t, e.Add(k, "", nil, nil))
	}
	for n := range 5 {
		o := aggregate.Opener{Range: shard.Whole()}
		require.NoError(t, o.Open(api.Record{Key: "a", Sequence: "7", Data: e.AppendTo(nil)}))
		require.Equal(t, 3, o.Len())
		o.Skip(n)
		recs, _, errs := drain(&o)
		require.Empty(t, errs)
		require.Len(t, recs, max(0, 3-n))
		for i, r := range recs {
			_, sub := shard.Sequence(r.Position)
			require.EqualValues(t, n+i, sub)
		}
	}
	o := aggregate.Opener{Range: shard.Whole()}
	require.NoError(t, o.Open(api.Record{Sequence: "7"}))
	require.Equal(t, 1, o.Len())
	o.Skip(1)
	recs, _, _ := drain(&o)
	require.Empty(t, recs)
}

func TestPlainRecords(t *testing.T) {
	r, err := read(t, api.Record{Sequence: "42", Arrival: arrival})
	require.NoError(t, err)
	require.Nil(t, r.Key, "the service distributes the records itself")
	require.Equal(t, []byte{}, r.Value, "no data is an empty value, never a tombstone")
	var o aggregate.Opener
	require.ErrorIs(t, o.Open(api.Record{Key: "k"}), stream.ErrCorrupt)
	recs, _, _ := drain(&o)
	require.Empty(t, recs)
}

// readAll opens data as the Kinesis record of a hostile writer.
func readAll(t testing.TB, data []byte) {
	half := shard.Range{Last: shard.Hash{High: 1<<63 - 1, Low: 1<<64 - 1}}
	o := aggregate.Opener{Range: half}
	if err := o.Open(api.Record{Key: "a", Sequence: "1", Data: data}); err != nil {
		t.Fatal(err)
	}
	n := 0
	var rec stream.Record
	for {
		_, more, err := o.Next(&rec)
		if !more {
			break
		}
		n++
		if err != nil && rec.Value != nil {
			t.Fatal("a corrupt record has a value")
		}
	}
	if n != o.Len() || n > len(data)/6+1 {
		t.Fatalf("%d records, %d were told", n, o.Len())
	}
}

func FuzzTags(f *testing.F) {
	f.Add("sp-v", []byte("1"), "sp-key", []byte("bAA"), []byte("v"))
	f.Add("sp-v", []byte("1"), "sp-time", []byte("1"), []byte("v"))
	f.Add("sp-v", []byte("1"), "sp-h:%41%FF", []byte("tx"), []byte("v"))
	f.Add("sp-v", []byte("1"), "sp-zip", []byte("zstd 70"), []byte("v"))
	f.Add("a", []byte("1"), "sp-v", []byte("1"), []byte(""))
	f.Fuzz(func(t *testing.T, name1 string, value1 []byte, name2 string, value2, data []byte) {
		tags := []aggregate.Tag{{Name: name1, Value: value1}, {Name: name2, Value: value2}}
		got, err := read(t, store(t, aggregate.Sealed{Key: "k", Data: append([]byte{}, data...), Tags: tags}))
		if err != nil {
			require.ErrorIs(t, err, stream.ErrCorrupt)
			return
		}
		// What was read can be written, and reads the same.
		sealed, err := sealer(t, "").Seal(&got)
		require.NoError(t, err)
		requireStorable(t, sealed)
		again, err := read(t, store(t, sealed))
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}

func FuzzUnzip(f *testing.F) {
	for _, kind := range []string{aggregate.Gzip, aggregate.Zstd} {
		sealed, err := sealer(f, kind).Seal(&stream.Record{Key: []byte("k"), Value: make([]byte, 1000)})
		require.NoError(f, err)
		f.Add(kind, sealed.Data)
	}
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		const size = 1000
		tags := []aggregate.Tag{{Name: "sp-v", Value: []byte("1")}, {Name: "sp-zip", Value: []byte(kind + " 1000")}}
		got, err := read(t, store(t, aggregate.Sealed{Key: "k", Data: append([]byte{}, data...), Tags: tags}))
		if err == nil && len(got.Value) != size {
			t.Fatalf("%d bytes", len(got.Value))
		}
	})
}

func BenchmarkSealPlain(b *testing.B) {
	s := sealer(b, "")
	rec := &stream.Record{Key: []byte("some key"), Value: make([]byte, 100)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Seal(rec); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for name, rec := range map[string]*stream.Record{
		"packed": {Key: []byte("some key"), Value: make([]byte, 100)},
		"tagged": {Key: []byte("some key"), Value: make([]byte, 100), Time: arrival,
			Headers: []stream.Header{{Key: "content-type", Value: []byte("text/plain")}}},
	} {
		b.Run(name, func(b *testing.B) {
			s := sealer(b, "")
			sealed, err := s.Seal(rec)
			require.NoError(b, err)
			e := aggregate.Encoder{MaxBytes: 50 << 10}
			for e.Add(sealed.Key, "", sealed.Data, sealed.Tags) {
			}
			const sequence = "49590338271490256608559692538361571095921575989136588898"
			r := api.Record{Key: sealed.Key, Sequence: sequence, Data: e.AppendTo(nil)}
			o := aggregate.Opener{Range: shard.Range{Last: shard.Hash{High: 1<<64 - 2}}}
			require.NoError(b, o.Open(r))
			var out stream.Record
			b.ReportAllocs()
			for b.Loop() {
				_, more, err := o.Next(&out)
				if err != nil {
					b.Fatal(err)
				}
				if !more {
					if err := o.Open(r); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

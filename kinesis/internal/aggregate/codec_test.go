package aggregate_test

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the format's checksum
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/streamport-go/streamport/kinesis/internal/aggregate"
	"github.com/streamport-go/streamport/stream"
)

// A user is a record that goes into an aggregate.
type user struct {
	key, hash string
	data      []byte
	tags      []aggregate.Tag
}

func users() *rapid.Generator[[]user] {
	tag := rapid.Custom(func(t *rapid.T) aggregate.Tag {
		a := aggregate.Tag{Name: rapid.String().Draw(t, "name")}
		if rapid.Bool().Draw(t, "has value") {
			a.Value = append([]byte{}, rapid.String().Draw(t, "value")...)
		}
		return a
	})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) user {
		return user{
			key:  rapid.OneOf(rapid.SampledFrom([]string{"a", "b", ""}), rapid.String()).Draw(t, "key"),
			hash: rapid.SampledFrom([]string{"", "0", "340282366920938463463374607431768211455"}).Draw(t, "hash"),
			data: append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(t, "data")...),
			tags: rapid.SliceOfN(tag, 0, 4).Draw(t, "tags"),
		}
	}), 1, 40)
}

// pack adds all, and requires that the size is told right on the way.
func pack(t require.TestingT, e *aggregate.Encoder, all []user) []byte {
	e.Reset()
	for i, u := range all {
		require.True(t, e.Add(u.key, u.hash, u.data, u.tags))
		require.Equal(t, i+1, e.Len())
		require.Len(t, e.AppendTo(nil), e.Size())
	}
	return e.AppendTo(nil)
}

func unpack(t require.TestingT, data []byte) []user {
	var d aggregate.Decoder
	require.True(t, d.Parse(data))
	var all []user
	for range d.Len() {
		p, more, err := d.Next()
		require.NoError(t, err)
		require.True(t, more)
		u := user{key: string(p.Key), hash: string(p.Hash), data: p.Data}
		for tag := range p.Tags() {
			u.tags = append(u.tags, tag)
		}
		all = append(all, u)
	}
	_, more, _ := d.Next()
	require.False(t, more)
	return all
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	var e aggregate.Encoder
	rapid.Check(t, func(t *rapid.T) {
		want := users().Draw(t, "users")
		got := unpack(t, pack(t, &e, want))
		require.Len(t, got, len(want))
		for i := range want {
			if len(want[i].tags) == 0 {
				want[i].tags = nil
			}
			require.Equal(t, want[i], got[i])
		}
	})
}

func TestWhatDoesNotFitChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := users().Draw(t, "users")
		e := aggregate.Encoder{
			MaxBytes:   rapid.IntRange(20, 500).Draw(t, "bytes"),
			MaxRecords: rapid.IntRange(1, 10).Draw(t, "records"),
		}
		var in []user
		for _, u := range all {
			before := e.AppendTo(nil)
			if e.Add(u.key, u.hash, u.data, u.tags) {
				in = append(in, u)
				continue
			}
			require.Equal(t, before, e.AppendTo(nil))
			var free aggregate.Encoder
			tooLarge := len(pack(t, &free, append(in[:len(in):len(in)], u))) > e.MaxBytes
			require.True(t, tooLarge || len(in) == e.MaxRecords, "it would have fitted")
		}
		require.LessOrEqual(t, e.Size(), e.MaxBytes)
		require.LessOrEqual(t, e.Len(), e.MaxRecords)
		if len(in) > 0 {
			require.Len(t, unpack(t, e.AppendTo(nil)), len(in))
		}
	})
}

func TestOneSizeIsTheSizeOfOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := users().Draw(t, "users")[0]
		var e aggregate.Encoder
		require.True(t, e.Add(u.key, "", u.data, u.tags))
		require.Equal(t, e.Size(), aggregate.OneSize(u.key, u.data, u.tags))
	})
}

// A flipped bit, or a missing end, makes an aggregate a plain record: never part of one.
func TestDamageMakesAPlainRecord(t *testing.T) {
	var e aggregate.Encoder
	rapid.Check(t, func(t *rapid.T) {
		data := pack(t, &e, users().Draw(t, "users"))
		at := rapid.IntRange(0, len(data)-1).Draw(t, "at")
		require.False(t, aggregate.IsAggregate(data[:at]))
		data[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		require.False(t, aggregate.IsAggregate(data))
	})
}

func TestSkipLeavesOut(t *testing.T) {
	var e aggregate.Encoder
	data := pack(t, &e, []user{{key: "a"}, {key: "b"}, {key: "c"}})
	for n := range 5 {
		var d aggregate.Decoder
		require.True(t, d.Parse(data))
		d.Skip(n)
		p, more, err := d.Next()
		require.NoError(t, err)
		require.Equal(t, n < 3, more)
		if more {
			require.Equal(t, n, p.Index)
			require.Equal(t, string("abc"[n]), string(p.Key))
		}
	}
}

// seal gives a message magic and checksum.
func seal(message []byte) []byte {
	sum := md5.Sum(message) //nolint:gosec // the format's checksum
	return append(append([]byte("\xf3\x89\x9a\xc2"), message...), sum[:]...)
}

func TestMessagesThatAreNone(t *testing.T) {
	for name, message := range map[string][]byte{
		"field 0":                   {0x02, 0x00},
		"a length past the end":     {0x0a, 0x05, 'a'},
		"one past the end":          {0x0a, 0x02, 'a'},
		"a huge length":             {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"a varint without end":      {0x08, 0x80},
		"a varint of eleven bytes":  append(append([]byte{0x08}, bytes.Repeat([]byte{0x80}, 10)...), 0x01),
		"wire type 6":               {0x0e},
		"a group that is not ended": {0x23},
		"a group's end alone":       {0x24},
		"a group with another end":  {0x23, 0x2c},
		"a deep group":              bytes.Repeat([]byte{0x23}, 1000),
		"a short fixed field":       {0x09, 1, 2},
		"no key index":              {0x1a, 0x02, 0x1a, 0x00},
		"no data":                   {0x1a, 0x02, 0x08, 0x00},
		"data of another wire type": {0x1a, 0x04, 0x08, 0x00, 0x18, 0x00},
		"a tag without name":        {0x1a, 0x08, 0x08, 0x00, 0x1a, 0x00, 0x22, 0x02, 0x12, 0x00},
		"a record of garbage":       {0x1a, 0x01, 0xff},
		"nothing":                   {},
	} {
		t.Run(name, func(t *testing.T) { require.False(t, aggregate.IsAggregate(seal(message))) })
	}
}

func TestUnusualMessages(t *testing.T) {
	record := []byte{0x1a, 0x05, 0x08, 0x00, 0x1a, 0x01, 'v'}
	for name, message := range map[string][]byte{
		"the table after the records": append(bytes.Clone(record), 0x0a, 0x01, 'k'),
		"an unknown group":            append([]byte{0x0a, 0x01, 'k', 0x23, 0x2b, 0x2c, 0x50, 0x01, 0x24}, record...),
		"unknown fields":              append([]byte{0x25, 1, 2, 3, 4, 0x31, 1, 2, 3, 4, 5, 6, 7, 8, 0x0a, 1, 'k'}, record...),
		"a field given twice":         {0x0a, 0x01, 'k', 0x1a, 0x0a, 0x08, 0x07, 0x08, 0x00, 0x1a, 0x01, 'u', 0x1a, 0x01, 'v'},
		"a long form of a number":     {0x0a, 0x81, 0x00, 'k', 0x1a, 0x06, 0x08, 0x80, 0x00, 0x1a, 0x01, 'v'},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, []user{{key: "k", data: []byte("v")}}, unpack(t, seal(message)))
		})
	}
	t.Run("without records", func(t *testing.T) {
		var d aggregate.Decoder
		require.True(t, d.Parse(seal([]byte{0x0a, 0x01, 'k'})))
		require.Zero(t, d.Len())
	})
}

func TestIndexesOutsideTheTables(t *testing.T) {
	var d aggregate.Decoder
	require.True(t, d.Parse(seal([]byte{0x0a, 0x01, 'k',
		0x1a, 0x04, 0x08, 0x01, 0x1a, 0x00,
		0x1a, 0x06, 0x08, 0x00, 0x10, 0x00, 0x1a, 0x00,
		0x1a, 0x0d, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x1a, 0x00,
		0x1a, 0x05, 0x08, 0x00, 0x1a, 0x01, 'v'})))
	for i := range 3 {
		_, more, err := d.Next()
		require.True(t, more)
		var corrupt *aggregate.Error
		require.ErrorAs(t, err, &corrupt)
		require.ErrorIs(t, err, stream.ErrCorrupt)
		require.Equal(t, i, corrupt.Index)
	}
	p, more, err := d.Next()
	require.True(t, more)
	require.NoError(t, err)
	require.Equal(t, "v", string(p.Data))
	require.Equal(t, 3, p.Index)
}

// allocated is the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// What decoding may allocate for input of n bytes.
func allowance(n int) uint64 { return uint64(16*n + 64<<10) }

func TestMemoryOfDecodingIsBounded(t *testing.T) {
	const n = 1 << 20
	for name, piece := range map[string][]byte{
		"empty records":     {0x1a, 0x04, 0x08, 0x00, 0x1a, 0x00},
		"empty keys":        {0x0a, 0x00},
		"empty hash keys":   {0x12, 0x00},
		"records with tags": {0x1a, 0x0c, 0x08, 0x00, 0x1a, 0x00, 0x22, 0x02, 0x0a, 0x00, 0x22, 0x02, 0x0a, 0x00},
	} {
		t.Run(name, func(t *testing.T) {
			data := seal(append([]byte{0x0a, 0x00}, bytes.Repeat(piece, n/len(piece))...))
			require.Less(t, allocated(func() { readAll(t, data) }), allowance(len(data)))
		})
	}
	t.Run("a record of empty tags", func(t *testing.T) {
		tags := bytes.Repeat([]byte{0x22, 0x02, 0x0a, 0x00}, n/4)
		record := append([]byte{0x08, 0x00, 0x1a, 0x00}, tags...)
		size := len(record)
		data := seal(append([]byte{0x0a, 0x00, 0x1a, byte(size) | 0x80, byte(size>>7) | 0x80, byte(size >> 14)}, record...))
		require.True(t, aggregate.IsAggregate(data))
		require.Less(t, allocated(func() { readAll(t, data) }), allowance(len(data)))
	})
}

func TestEncodingAllocatesNothing(t *testing.T) {
	var e aggregate.Encoder
	data := make([]byte, 100)
	keys := []string{"a", "b", "c", "d"}
	tags := []aggregate.Tag{{Name: "n", Value: []byte("v")}}
	var out []byte
	encode := func() {
		e.Reset()
		for i := range 100 {
			e.Add(keys[i%4], "", data, tags)
		}
		out = e.AppendTo(out[:0])
	}
	encode()
	require.Zero(t, testing.AllocsPerRun(100, encode))
	var d aggregate.Decoder
	decode := func() {
		d.Parse(out)
		for _, more, _ := d.Next(); more; _, more, _ = d.Next() {
		}
	}
	decode()
	require.Zero(t, testing.AllocsPerRun(100, decode))
}

func BenchmarkEncode(b *testing.B) {
	for name, size := range map[string]int{"100B": 100, "1KiB": 1 << 10} {
		b.Run(name, func(b *testing.B) {
			e := aggregate.Encoder{MaxBytes: 50 << 10}
			data := make([]byte, size)
			var out []byte
			b.ReportAllocs()
			for b.Loop() {
				if !e.Add("some key", "", data, nil) {
					out = e.AppendTo(out[:0])
					e.Reset()
					e.Add("some key", "", data, nil)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, size := range map[string]int{"100B": 100, "1KiB": 1 << 10} {
		b.Run(name, func(b *testing.B) {
			e := aggregate.Encoder{MaxBytes: 50 << 10}
			data := make([]byte, size)
			for e.Add("some key", "", data, nil) {
			}
			packed := e.AppendTo(nil)
			var d aggregate.Decoder
			b.ReportAllocs()
			for b.Loop() {
				if _, more, _ := d.Next(); !more {
					d.Parse(packed)
				}
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, v := range vectors(f) {
		data := v.data(f)
		f.Add(data, false)
		if len(data) > 20 {
			f.Add(data[4:len(data)-16], true)
		}
	}
	f.Add([]byte{0x1a, 0x04, 0x08, 0x00, 0x1a, 0x00}, true)
	f.Add(bytes.Repeat([]byte{0x0a, 0x00}, 100), true)
	f.Fuzz(func(t *testing.T, data []byte, message bool) {
		if message { // the checksum keeps a fuzzer out
			data = seal(data)
		}
		if got := allocated(func() { readAll(t, data) }); got > allowance(len(data)) {
			t.Fatalf("%d bytes allocated for %d", got, len(data))
		}
	})
}

// random is a source that is the same in every run.
func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

package stream

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func FuzzChunkHeader(f *testing.F) {
	f.Add(chunkHeader{id: chunkID{1, 2}, oldest: 1, sent: -1, index: 1, count: 2, size: 2, sum: 3, nilKey: true}.encode())
	f.Add([]byte{2})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := decodeChunkHeader(data)
		if err != nil {
			require.True(t, errors.Is(err, ErrCorrupt) || errors.Is(err, ErrUnsupported))
			require.Zero(t, h)
			return
		}
		require.Equal(t, data, h.encode(), "one form for each header")
	})
}

// FuzzChunkAssemblyIsBounded pushes headers that nobody wrote: the assembly never panics, keeps its accounts, and
// stays within its bounds.
func FuzzChunkAssemblyIsBounded(f *testing.F) {
	f.Add([]byte{0, 2, 0, 0, 2, 1, 0, 3, 0, 9, 9, 9})
	f.Add([]byte{1, 2, 0, 2, 2, 0, 3, 2, 0, 4, 2, 0, 5, 2, 0, 200, 0, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		script = script[:min(len(script), 600)]
		bounds, err := Chunking{MaxRecordBytes: 600, MaxHeldBytes: 3000, MaxPending: 3, MaxAge: time.Minute}.complete()
		require.NoError(t, err)
		began, ended := 0, 0
		a := newChunkAssembly(bounds, func(Position, int64, error) { ended++ })
		now := time.Unix(0, 0)
		into := make([]Record, 2)
		for position := uint64(1); len(script) >= 3; script = script[3:] {
			r := inventRecord(script, position)
			position++
			before := len(a.queue)
			_, err := a.push(&r, now)
			require.NoError(t, err)
			began += len(a.queue) - before
			now = now.Add(time.Duration(script[2]) * time.Second)
			a.expire(now)
			checkAssembly(t, a, bounds)
			if script[0]%4 == 0 {
				ended += a.pop(into)
			}
		}
		a.abandon()
		for n := a.pop(into); n > 0; n = a.pop(into) {
			ended += n
		}
		require.Equal(t, began, ended, "each record that began was delivered or given up")
		require.True(t, a.empty())
		require.Zero(t, a.bytes)
	})
}

// inventRecord makes a record, or a chunk of one of eight records, of three bytes.
func inventRecord(script []byte, position uint64) Record {
	r := Record{Value: make([]byte, script[2]), Position: MakePosition([3]uint64{0, 0, position}, 0, 0)}
	if script[0] > 200 {
		return r
	}
	h := chunkHeader{
		id: chunkID{uint64(script[0] % 2), uint64(script[0] / 2 % 4)}, count: 2 + uint32(script[1]%3), size: 300,
		sum: chunkSum(0, make([]byte, 300)),
	}
	h.index = uint32(script[1]/4) % h.count
	r.Headers = []Header{{Key: chunkKey, Value: h.encode()}}
	return r
}

func checkAssembly(t *testing.T, a *chunkAssembly, bounds Chunking) {
	total, held, pending := int64(0), int64(0), 0
	for _, slot := range a.queue {
		total += slot.size
		if slot.state == slotPending {
			pending++
		}
		if pending > 0 {
			held += slot.size
		}
	}
	require.Equal(t, total, a.bytes)
	require.Len(t, a.pending, pending)
	require.LessOrEqual(t, pending, bounds.MaxPending)
	require.LessOrEqual(t, held, bounds.MaxHeldBytes)
	require.LessOrEqual(t, len(a.recent), maxRecent)
}

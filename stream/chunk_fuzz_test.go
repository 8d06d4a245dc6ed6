package stream_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// What a byte of a script does with the next chunk of a record; its upper bits choose the record.
const (
	placeNext = iota
	placeNextToo
	placeSmall
	loseNext
	repeatLast
	damageNext
	cutHeader
	scriptSteps
)

// FuzzChunkReassembly places chunks by a script that loses, repeats, damages and interleaves them. A claim delivers
// only values that were sent, each once, in the order of their first chunks; accounts for each record that began; and
// a restart at any checkpoint loses nothing.
func FuzzChunkReassembly(f *testing.F) {
	records := [][]stream.Record{
		chunks(f, "a", 'A', 2), chunks(f, "a", 'B', 3), chunks(f, "c", 'C', 4), chunks(f, "d", 'D', 5),
	}
	f.Add([]byte{0, 0}, uint8(0))
	f.Add([]byte{0, 8, 2, 1, 9, 9, 16, 17, 24}, uint8(1))
	f.Add([]byte{0, 3, 8, 12, 4, 5, 16, 6, 2, 2}, uint8(2))
	f.Fuzz(func(t *testing.T, script []byte, restart uint8) {
		l := newChunkLog(1)
		l.ended = true
		began, smalls, malformed := placeChunks(l, records, script[:min(len(script), 200)])
		r := l.read(t, stream.Chunking{}, stream.SourceConfig{Group: "g"})
		got, err := drain(t, r)
		require.Equal(t, io.EOF, err)

		var last stream.Position
		whole, small := map[byte]bool{}, 0
		for _, rec := range got {
			require.Positive(t, rec.Position.Compare(last))
			last = rec.Position
			if len(rec.Value) == 1 {
				small++
				continue
			}
			require.Equal(t, value(rec.Value[0], 1400*len(records[rec.Value[0]-'A'])), append([]byte(nil), rec.Value...))
			require.False(t, whole[rec.Value[0]], "delivered twice")
			whole[rec.Value[0]] = true
		}
		require.Equal(t, smalls, small, "records that are not chunked are never lost")
		require.Equal(t, len(began)+malformed, len(whole)+len(r.skips(t)), "each record that began is delivered or told")
		for seed, complete := range began {
			require.True(t, !complete || whole[seed], "a record of which every chunk is stored is delivered")
		}
		if len(got) > 0 {
			restartLosesNothing(t, l, got, int(restart)%len(got))
		}
	})
}

// placeChunks runs a script. It returns which records began and whether all of their chunks are stored in order, and
// how many records that are no chunks and how many that never were ones it stored.
func placeChunks(l *chunkLog, records [][]stream.Record, script []byte) (began map[byte]bool, smalls, malformed int) {
	began = map[byte]bool{}
	next, intact := make([]int, len(records)), make([]int, len(records))
	for _, b := range script {
		which := int(b>>3) % len(records)
		chunks, step := records[which], int(b)%scriptSteps
		seed := byte('A' + which)
		switch {
		case step == placeSmall:
			l.put(0, small("s", "s"))
			smalls++
			continue
		case step == repeatLast:
			if next[which] > 0 && intact[which] == next[which] {
				l.put(0, chunks[next[which]-1])
			}
			continue
		case next[which] == len(chunks):
			continue
		}
		chunk := chunks[next[which]]
		next[which]++
		switch step {
		case placeNext, placeNextToo:
			l.put(0, chunk)
			intact[which]++
		case damageNext:
			chunk.Value = value('Z', len(chunk.Value))
			l.put(0, chunk)
		case cutHeader:
			header := chunk.Headers[0]
			header.Value = header.Value[:len(header.Value)-1]
			chunk.Headers = []stream.Header{header}
			l.put(0, chunk)
			malformed++
			continue
		default: // lost
			continue
		}
		if next[which] == 1 {
			began[seed] = false
		}
		if _, ok := began[seed]; ok {
			began[seed] = intact[which] == len(chunks)
		}
	}
	return began, smalls, malformed
}

func restartLosesNothing(t *testing.T, l *chunkLog, got []stream.Record, done int) {
	first := l.read(t, stream.Chunking{}, stream.SourceConfig{Group: "g"})
	_, err := drain(t, first)
	require.Equal(t, io.EOF, err)
	require.NoError(t, first.Checkpoint(t.Context(), stream.Checkpoint{Position: got[done].Position}))
	rest, err := drain(t, l.read(t, stream.Chunking{}, stream.SourceConfig{Group: "g"}))
	require.Equal(t, io.EOF, err)
	for _, rec := range got[done+1:] {
		found := false
		for _, again := range rest {
			found = found || again.Position == rec.Position
		}
		require.True(t, found, "the record at %v is lost by a restart", rec.Position)
	}
}

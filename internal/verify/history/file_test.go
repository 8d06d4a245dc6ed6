package history_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// full has every field set.
func full() history.Op {
	return history.Op{
		Seq: 1, T: 2, Proc: "m1", Type: history.OK, F: history.Produce, Part: "s/0", From: []string{"s/1", "s/2"}, Hold: 3,
		Pos: stream.MakePosition([3]uint64{1, 2, 3}, 4, 5), Next: stream.MakePosition([3]uint64{0, 0, 9}, 0, 0),
		UID: 1<<63 + 1, Key: "k", KSeq: 6, Sum: 7, Txn: 8, Cause: 9, Dup: true, Clean: true, Err: history.ClassLost, Dur: 10,
	}
}

func TestHistoriesComeBackAsTheyWere(t *testing.T) {
	binary := full()
	binary.Key = "\xff\x00\n\""
	text := full()
	text.Key = "schlüssel \u2028\ufffd<&>"
	ops := []history.Op{full(), {}, binary, text}
	var b bytes.Buffer
	require.NoError(t, history.Write(&b, ops))
	require.Equal(t, len(ops), strings.Count(b.String(), "\n"), "one operation a line")
	again, err := history.Read(&b)
	require.NoError(t, err)
	require.Equal(t, ops, again)
}

func TestReadSaysWhereItFails(t *testing.T) {
	for text, want := range map[string]string{
		`{"seq":1}` + "\n" + `{"seq":2`:  "after operation 1: unexpected EOF",
		`{"seq":1,"colour":"red"}`:       "after operation 0",
		`{"seq":-1}`:                     "after operation 0",
		`{"seq":1,"pos":"not a number"}`: "is no position",
		`[]`:                             "after operation 0",
	} {
		_, err := history.Read(strings.NewReader(text))
		require.ErrorContains(t, err, want, text)
	}
}

func TestWriteTellsOfAFullDisk(t *testing.T) {
	full := errors.New("the disk is full")
	require.ErrorIs(t, history.Write(writer{full}, []history.Op{{}}), full)
}

type writer struct{ err error }

func (w writer) Write([]byte) (int, error) { return 0, w.err }

// FuzzRead reads anything without harm; what it takes, it writes and reads again as the same.
func FuzzRead(f *testing.F) {
	binary := full()
	binary.Key = "\xff"
	var b bytes.Buffer
	require.NoError(f, history.Write(&b, []history.Op{full(), {}, binary}))
	f.Add(b.Bytes())
	f.Add([]byte(`{"seq":1,"key":"a","keyBytes":"YQ==","from":[]} {"SEQ":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		ops, err := history.Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		var once, twice bytes.Buffer
		require.NoError(t, history.Write(&once, ops))
		again, err := history.Read(bytes.NewReader(once.Bytes()))
		require.NoError(t, err)
		require.Len(t, again, len(ops))
		require.NoError(t, history.Write(&twice, again))
		require.Equal(t, once.String(), twice.String())
	})
}

package kafkago

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// answerOf is an answer with its size before it.
func answerOf(body ...byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// versionsOf is a first answer that says that so many versions follow, of which there is one.
func versionsOf(n byte) []byte {
	return answerOf(0, 0, 0, 1, 0, 0, 0, 0, 0, n, 0, 18, 0, 0, 0, 3)
}

func TestFramesLetAnswersThrough(t *testing.T) {
	all := bytes.Join([][]byte{versionsOf(1), answerOf(0, 0, 0, 2), answerOf(make([]byte, 900)...), answerOf(0, 0, 0, 4, 9)}, nil)
	for name, r := range map[string]io.Reader{
		"at once": bytes.NewReader(all), "byte by byte": iotest.OneByteReader(bytes.NewReader(all)),
		"in halves": iotest.HalfReader(bytes.NewReader(all)), "with its end": iotest.DataErrReader(bytes.NewReader(all)),
	} {
		f := frames{most: 900}
		got, err := io.ReadAll(readerOf(func(p []byte) (int, error) { return f.read(r, p) }))
		require.NoError(t, err, name)
		require.Equal(t, all, got, name)
	}
}

func TestFramesEndAtWhatNoBrokerSends(t *testing.T) {
	for name, c := range map[string]struct {
		sent []byte
		want error
	}{
		"too long at first":  {binary.BigEndian.AppendUint32(nil, 901), stream.ErrCorrupt},
		"too long later":     {append(versionsOf(1), binary.BigEndian.AppendUint32(nil, 901)...), stream.ErrCorrupt},
		"negative":           {append(versionsOf(1), 0xff, 0xff, 0xff, 0xff), stream.ErrCorrupt},
		"without a number":   {append(versionsOf(1), 0, 0, 0, 3), stream.ErrCorrupt},
		"nothing":            {make([]byte, 4), stream.ErrCorrupt},
		"no versions at all": {answerOf(0, 0, 0, 1, 0, 0, 0, 0, 0), stream.ErrCorrupt},
		"too many versions":  {versionsOf(2), stream.ErrCorrupt},
		"no number of them":  {answerOf(0, 0, 0, 1, 0, 0, 0xff, 0, 0, 0), stream.ErrCorrupt},
		"a TLS alert":        {[]byte{0x15, 3, 3, 0, 2, 2, 70}, stream.ErrInvalid},
		"half a size":        {[]byte{0, 0}, io.ErrUnexpectedEOF},
		"half an answer":     {versionsOf(1)[:9], io.ErrUnexpectedEOF},
	} {
		for _, r := range []io.Reader{bytes.NewReader(c.sent), iotest.OneByteReader(bytes.NewReader(c.sent))} {
			f := frames{most: 900}
			_, err := io.ReadAll(readerOf(func(p []byte) (int, error) { return f.read(r, p) }))
			require.ErrorIs(t, err, c.want, name)
		}
	}
}

type readerOf func(p []byte) (int, error)

func (read readerOf) Read(p []byte) (int, error) { return read(p) }

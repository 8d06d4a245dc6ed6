package httpfault

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
)

// Sizes of a frame of the event stream encoding (application/vnd.amazon.eventstream).
const (
	preludeSize = 12
	trailerSize = 4
	maxFrame    = 24 << 20
	headerText  = 7 // the type of a header's value that is a string
)

// frame is one message of an event stream.
type frame struct {
	raw     []byte
	headers map[string]string
	payload []byte
}

var errFrame = errors.New("httpfault: not a frame of an event stream")

// readFrame reads one frame to its end.
func readFrame(r io.Reader) (frame, error) {
	var prelude [preludeSize]byte
	if _, err := io.ReadFull(r, prelude[:]); err != nil {
		return frame{}, err
	}
	total, headers := binary.BigEndian.Uint32(prelude[:]), binary.BigEndian.Uint32(prelude[4:])
	if total > maxFrame || total < preludeSize+trailerSize || headers > total-preludeSize-trailerSize {
		return frame{}, errFrame
	}
	raw := make([]byte, total)
	copy(raw, prelude[:])
	if _, err := io.ReadFull(r, raw[preludeSize:]); err != nil {
		return frame{}, err
	}
	end := preludeSize + int(headers)
	f := frame{raw: raw, payload: raw[end : len(raw)-trailerSize]}
	var ok bool
	if f.headers, ok = readHeaders(raw[preludeSize:end]); !ok {
		return frame{}, errFrame
	}
	return f, nil
}

// readHeaders reads headers whose values are strings.
func readHeaders(b []byte) (map[string]string, bool) {
	all := make(map[string]string)
	for len(b) > 0 {
		name, rest, ok := cutBytes(b[1:], int(b[0]))
		if !ok || len(rest) < 3 || rest[0] != headerText {
			return nil, false
		}
		value, rest, ok := cutBytes(rest[3:], int(binary.BigEndian.Uint16(rest[1:])))
		if !ok {
			return nil, false
		}
		all[string(name)] = string(value)
		b = rest
	}
	return all, true
}

func cutBytes(b []byte, n int) (head, rest []byte, ok bool) {
	if n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// makeFrame makes an event of a subscription.
func makeFrame(eventType, contentType, payload string) []byte {
	var headers strings.Builder
	for _, h := range [...][2]string{{":message-type", "event"}, {":event-type", eventType}, {":content-type", contentType}} {
		headers.WriteByte(byte(len(h[0])))
		headers.WriteString(h[0])
		headers.Write([]byte{headerText, 0, byte(len(h[1]))})
		headers.WriteString(h[1])
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(preludeSize+headers.Len()+len(payload)+trailerSize))
	b = binary.BigEndian.AppendUint32(b, uint32(headers.Len()))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(b, headers.String()+payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

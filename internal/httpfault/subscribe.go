package httpfault

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
)

// Subscribing is next with the answers of SubscribeToShard as the service gives them. Kinesis-local does not send the
// frame with which a subscription begins, and without it the Go SDK fails; an exception that comes first becomes an
// answer with its status, as it is the service's. What has the frame already passes as it is.
func Subscribing(next http.RoundTripper) http.RoundTripper { return subscribing{next} }

type subscribing struct{ next http.RoundTripper }

// RoundTrip waits for the first frame of a subscription, at most as long as the request's context lasts.
func (s subscribing) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := s.next.RoundTrip(req)
	if err != nil || operation(req.Header) != "SubscribeToShard" || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	first, err := readFrame(resp.Body)
	if err != nil {
		return nil, errors.Join(err, resp.Body.Close())
	}
	switch {
	case first.headers[":message-type"] == "exception":
		return refused(resp, first)
	case first.headers[":event-type"] == initialResponse:
		resp.Body = joined{io.MultiReader(bytes.NewReader(first.raw), resp.Body), resp.Body}
	default:
		resp.Body = joined{io.MultiReader(bytes.NewReader(initialFrame()), bytes.NewReader(first.raw), resp.Body), resp.Body}
	}
	resp.ContentLength = -1
	resp.Header.Del("Content-Length")
	return resp, nil
}

// CloseIdleConnections closes those of the transport beneath, if it has any.
func (s subscribing) CloseIdleConnections() {
	if c, ok := s.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// joined reads from one and closes the other.
type joined struct {
	io.Reader
	io.Closer
}

// refused is the answer that says what an exception frame says.
func refused(resp *http.Response, f frame) (*http.Response, error) {
	_ = resp.Body.Close() // what follows an exception does not matter
	var told struct{ Message string }
	_ = json.Unmarshal(f.payload, &told) // an exception may be without message
	body, err := json.Marshal(map[string]string{"__type": f.headers[":exception-type"], "message": told.Message})
	if err != nil {
		return nil, err
	}
	resp.StatusCode, resp.Status = http.StatusBadRequest, "400 Bad Request"
	resp.Header = http.Header{"Content-Type": {"application/x-amz-json-1.1"}}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

// Sizes of a frame of the event stream encoding (application/vnd.amazon.eventstream).
const (
	preludeSize = 12
	trailerSize = 4
	maxFrame    = 24 << 20
	headerText  = 7 // the type of a header's value that is a string
)

const initialResponse = "initial-response"

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

// initialFrame is the frame with which the service begins a subscription.
func initialFrame() []byte {
	var headers strings.Builder
	for _, h := range [...][2]string{{":message-type", "event"}, {":event-type", initialResponse},
		{":content-type", "application/x-amz-json-1.1"}} {
		headers.WriteByte(byte(len(h[0])))
		headers.WriteString(h[0])
		headers.Write([]byte{headerText, 0, byte(len(h[1]))})
		headers.WriteString(h[1])
	}
	const payload = "{}"
	b := binary.BigEndian.AppendUint32(nil, uint32(preludeSize+headers.Len()+len(payload)+trailerSize))
	b = binary.BigEndian.AppendUint32(b, uint32(headers.Len()))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(b, headers.String()+payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

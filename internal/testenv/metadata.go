package testenv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Bounds of one question for metadata: a broker that is starting accepts connections before it answers.
const (
	metadataTimeout = 2 * time.Second
	metadataLimit   = 1 << 20
)

// brokers asks the node at addr for the ids of all brokers that are unfenced, by a Metadata request of version 1.
func brokers(ctx context.Context, addr string) ([]int32, error) {
	ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends a read that waits
	defer stop()
	defer func() { _ = conn.Close() }() // nothing was written that could be lost
	if _, err := conn.Write(metadataRequest()); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > metadataLimit {
		return nil, fmt.Errorf("metadata of %d bytes", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil, err
	}
	return brokersOf(body)
}

// metadataRequest asks for brokers and no topics.
func metadataRequest() []byte {
	request := binary.BigEndian.AppendUint32(nil, 14)
	request = binary.BigEndian.AppendUint16(request, 3)       // API key of Metadata
	request = binary.BigEndian.AppendUint16(request, 1)       // version
	request = binary.BigEndian.AppendUint32(request, 1)       // correlation id
	request = binary.BigEndian.AppendUint16(request, 1<<16-1) // no client id
	return binary.BigEndian.AppendUint32(request, 0)          // no topics
}

var errShortMetadata = errors.New("metadata ends too early")

// brokersOf reads the ids from a Metadata response of version 1 without its size.
func brokersOf(body []byte) ([]int32, error) {
	next := func(n int) []byte {
		if n < 0 || len(body) < n {
			body = nil
			return nil
		}
		head := body[:n]
		body = body[n:]
		return head
	}
	text := func() bool {
		size := next(2)
		if size == nil {
			return false
		}
		n := int16(binary.BigEndian.Uint16(size))
		return n == -1 || next(int(n)) != nil
	}
	next(4) // correlation id
	count := next(4)
	if count == nil {
		return nil, errShortMetadata
	}
	var ids []int32
	for range int32(binary.BigEndian.Uint32(count)) {
		id := next(4)
		if id == nil || !text() || next(4) == nil || !text() { // host, port, rack
			return nil, errShortMetadata
		}
		ids = append(ids, int32(binary.BigEndian.Uint32(id)))
	}
	return ids, nil
}

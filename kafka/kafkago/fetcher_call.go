package kafkago

import (
	"encoding/binary"
	"fmt"
	"io"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A fetchCall is kafka-go's fetch request, sent by its Transport, whose answer is read here. In a goroutine of its own,
// kafka-go's decoder panics on counts in a batch that are wrong, or takes memory as they say; it leaves out batches behind
// one that is damaged, does not bound what one expands to, and does not tell where it ends. The Transport lets a message
// read its own answer (protocol.RawExchanger).
type fetchCall struct {
	fetch.Request
	to      int32  // the broker
	id      string // client id
	most    int32  // bytes of the answer
	version int16
}

// Broker says where the request goes. Who leads the partitions was found out before.
func (c *fetchCall) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	broker, ok := cluster.Brokers[c.to]
	if !ok {
		return protocol.Broker{ID: noBroker}, segmentio.BrokerNotAvailable
	}
	return broker, nil
}

// Required notes the version of the connection.
func (c *fetchCall) Required(versions map[protocol.ApiKey]int16) bool {
	c.version = versions[protocol.Fetch]
	return true
}

// firstIsolated is the first version that knows transactions and batches (KIP-98).
const firstIsolated = 4

// RawExchange sends the request and reads the answer. After an error kafka-go closes the connection.
func (c *fetchCall) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if c.version < firstIsolated {
		return nil, fmt.Errorf("%w: the broker has no Fetch of version %d or later", stream.ErrUnsupported, firstIsolated)
	}
	const number = 1 // a connection has one request at a time
	if err := protocol.WriteRequest(rw, c.version, number, c.id, &c.Request); err != nil {
		return nil, err
	}
	f := frame{r: rw, left: 4}
	size := f.int32()
	if f.err != nil {
		return nil, f.err
	}
	if size < 8 || size > c.most {
		return nil, fmt.Errorf("%w: a broker's answer of %d bytes, at most %d are read", stream.ErrTooLarge, size, c.most)
	}
	f.left = int(size)
	if got := f.int32(); f.err == nil && got != number {
		return nil, fmt.Errorf("%w: the answer to request %d, asked was %d", stream.ErrCorrupt, got, number)
	}
	answer := f.answer(c.version)
	switch {
	case f.err != nil:
		return nil, f.err
	case f.left > 0:
		return nil, fmt.Errorf("%w: %d bytes behind a broker's answer", stream.ErrCorrupt, f.left)
	}
	return answer, nil
}

// A fetchAnswer is a fetch response whose batches are not decoded yet.
type fetchAnswer struct {
	throttle int32 // milliseconds
	code     int16
	parts    []fetchPart
}

// ApiKey is that of the request.
func (*fetchAnswer) ApiKey() protocol.ApiKey { return protocol.Fetch }

// A fetchPart is what came of one partition. Each has memory of its own, so that a record keeps no others in memory but
// those of its partition.
type fetchPart struct {
	p                    engine.Partition
	code                 int16
	high, stable, oldest int64
	aborted              []aborted
	set                  []byte
}

// A frame reads one answer. It never reads beyond it, and takes no more memory than is still to be read. After an error
// everything is zero.
type frame struct {
	r    io.Reader
	left int
	room [8]byte
	err  error
}

func (f *frame) answer(version int16) *fetchAnswer {
	a := &fetchAnswer{throttle: f.int32()}
	if version >= 7 {
		a.code = f.int16()
		f.int32() // session
	}
	for range f.count(6) {
		topic := f.text()
		for range f.count(16) {
			a.parts = append(a.parts, f.part(topic, version))
			if f.err != nil {
				return nil
			}
		}
	}
	return a
}

func (f *frame) part(topic string, version int16) fetchPart {
	part := fetchPart{p: engine.Partition{Topic: topic, Number: f.int32()}, oldest: -1}
	part.code, part.high, part.stable = f.int16(), f.int64(), f.int64()
	if version >= 5 {
		part.oldest = f.int64()
	}
	for range f.count(16) {
		part.aborted = append(part.aborted, aborted{producer: f.int64(), first: f.int64()})
	}
	if version >= 11 {
		f.int32() // another replica to read from
	}
	if n := f.int32(); n > 0 {
		part.set = f.bytes(int(n))
	}
	return part
}

// count reads the length of an array, each element of which takes at least so many bytes.
func (f *frame) count(least int) int {
	n := int(f.int32())
	if n > f.left/least {
		f.fail(fmt.Errorf("%w: %d elements in %d bytes of a broker's answer", stream.ErrCorrupt, n, f.left))
		return 0
	}
	return max(n, 0)
}

func (f *frame) text() string { return string(f.bytes(int(uint16(f.int16())))) }

func (f *frame) bytes(n int) []byte {
	if n > f.left {
		f.fail(fmt.Errorf("%w: %d bytes in %d of a broker's answer", stream.ErrCorrupt, n, f.left))
	}
	if f.err != nil {
		return nil
	}
	b := make([]byte, n)
	f.fill(b)
	return b
}

func (f *frame) int16() int16 { return int16(binary.BigEndian.Uint16(f.next(2))) }
func (f *frame) int32() int32 { return int32(binary.BigEndian.Uint32(f.next(4))) }
func (f *frame) int64() int64 { return int64(binary.BigEndian.Uint64(f.next(8))) }

// next returns the next few bytes, until the next call.
func (f *frame) next(n int) []byte {
	b := f.room[:n]
	if n > f.left {
		f.fail(fmt.Errorf("%w: a broker's answer ends early", stream.ErrCorrupt))
	}
	if f.err == nil {
		f.fill(b)
	}
	if f.err != nil {
		clear(b)
	}
	return b
}

func (f *frame) fill(b []byte) {
	n, err := io.ReadFull(f.r, b)
	f.left -= n
	f.fail(err)
}

func (f *frame) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

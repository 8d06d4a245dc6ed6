package kafka

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// Defaults and bounds that are used in more than one place.
const (
	defaultBatchBytes  = 1_048_588 // the brokers' default of message.max.bytes
	defaultFetchBytes  = 50 << 20
	defaultReadBytes   = 100 << 20
	defaultTxTimeout   = time.Minute
	defaultSession     = 45 * time.Second
	defaultHeartbeat   = time.Second
	defaultMetadataAge = time.Minute
	idempotentInFlight = 5         // brokers remember the last five batches of a producer (KIP-98)
	maxName            = 200       // of ids that get the member's name appended: brokers and clients take 249 to 256 bytes
	maxRack            = 512       // what franz-go takes
	maxWire            = 1 << 30   // what franz-go takes of a batch and an answer
	maxDecompress      = 1<<31 - 1 // likewise

	never = time.Duration(-1) // how "forever" is written in a duration
)

// mistakes collects what is wrong with a configuration.
type mistakes []error

// add notes a mistake about a field, named as in Go.
func (m *mistakes) add(field, format string, args ...any) {
	*m = append(*m, fmt.Errorf("%w: %s: %w", stream.ErrInvalid, field, fmt.Errorf(format, args...)))
}

// settings fills in the defaults and reports every mistake at once. It reads the files that c names and dials nothing.
func (c Config) settings() (engine.Settings, error) {
	var bad mistakes
	s := engine.Settings{
		Brokers: resolveBrokers(&bad, c.Brokers),
		Dial:    c.Dial, TLS: c.TLS.resolve(&bad),
		Logger: cmp.Or(c.Logger, slog.New(slog.DiscardHandler)),
	}
	word(&bad, "Client", c.Client, clients, FranzGo, KafkaGo)
	s.SASL = c.SASL.resolve(&bad, s.TLS != nil || c.TLS.on())
	c.names(&bad, &s)
	c.producing(&bad, &s)
	c.consuming(&bad, &s)
	c.connections(&bad, &s)
	return s, errors.Join(bad...)
}

// names resolves the texts that brokers are told.
func (c Config) names(bad *mistakes, s *engine.Settings) {
	s.ClientID = text(bad, "ClientID", c.ClientID, "streamport", maxName)
	s.TxID = text(bad, "TxID", c.TxID, "streamport", maxName)
	s.Rack = text(bad, "Rack", c.Rack, "", maxRack)
}

func (c Config) producing(bad *mistakes, s *engine.Settings) {
	s.Acks = word(bad, "Acks", c.Acks, acks, AcksAll, AcksLeader, AcksNone)
	s.Idempotent = s.Acks == engine.AcksAll && !c.NoIdempotence
	s.Linger = duration(bad, "Linger", c.Linger, 0, 0, time.Minute)
	s.BatchBytes = number(bad, "BatchBytes", c.BatchBytes, defaultBatchBytes, 512, maxWire)
	s.Partitioner, s.PlaceByRecord = engine.Partitioner(c.Partitioner), c.PlaceByRecord
	s.ProduceTimeout = duration(bad, "ProduceTimeout", c.ProduceTimeout, 4*time.Second, 100*time.Millisecond, 15*time.Minute)
	s.TxTimeout = duration(bad, "TxTimeout", c.TxTimeout, defaultTxTimeout, time.Second, 15*time.Minute)
	if s.Idempotent {
		s.InFlight = number(bad, "InFlight", c.InFlight, idempotentInFlight, 1, 100)
		if s.InFlight != idempotentInFlight {
			bad.add("InFlight", "%d: with idempotence it is always %d", c.InFlight, idempotentInFlight)
		}
	} else {
		s.InFlight = number(bad, "InFlight", c.InFlight, 1, 1, 100)
	}
	c.compression(bad, s)
}

// levels are the highest compression levels of the codecs that have some.
var levels = map[Codec]int{Gzip: 9, LZ4: 9, Zstd: 22}

func (c Config) compression(bad *mistakes, s *engine.Settings) {
	leveled := false
	for i, codec := range c.Compression {
		switch {
		case !slices.Contains(codecs, codec):
			bad.add("Compression", "%.40q is none of %s", string(codec), join(codecs))
		case slices.Contains(c.Compression[:i], codec):
			bad.add("Compression", "%q is listed twice", string(codec))
		case codec == None && i < len(c.Compression)-1:
			bad.add("Compression", "nothing after %q is ever used", string(codec))
		}
		highest, ok := levels[codec]
		leveled = leveled || ok
		if ok && (c.CompressionLevel < 0 || c.CompressionLevel > highest) {
			bad.add("CompressionLevel", "%d is out of range: %s has levels 1 to %d", c.CompressionLevel, codec, highest)
		}
		s.Compression = append(s.Compression, string(codec))
	}
	if len(s.Compression) == 0 {
		s.Compression = []string{string(None)}
	}
	if c.CompressionLevel != 0 && !leveled {
		bad.add("CompressionLevel", "is set, and no codec of Compression has levels")
	}
	s.CompressLevel = c.CompressionLevel
}

func (c Config) consuming(bad *mistakes, s *engine.Settings) {
	switch c.Isolation {
	case "", ReadCommitted:
	case ReadUncommitted:
		s.Uncommitted = true
	default:
		bad.add("Isolation", "%.40q is none of %s", string(c.Isolation), join([]Isolation{ReadCommitted, ReadUncommitted}))
	}
	s.FetchMaxBytes = number(bad, "FetchMaxBytes", c.FetchMaxBytes, defaultFetchBytes, 1<<10, maxWire)
	s.FetchMinBytes = number(bad, "FetchMinBytes", c.FetchMinBytes, 1, 1, max(s.FetchMaxBytes, 1))
	s.FetchMaxWait = duration(bad, "FetchMaxWait", c.FetchMaxWait, 500*time.Millisecond, 10*time.Millisecond, time.Minute)
	most := max(s.FetchMaxBytes, 1<<10)
	s.PartitionBytes = number(bad, "PartitionBytes", c.PartitionBytes, min(1<<20, s.FetchMaxBytes), 1<<10, most)
	s.BufferBytes = number(bad, "BufferBytes", c.BufferBytes, 4<<20, 1<<10, 1<<40)
	s.DecompressBytes = number(bad, "DecompressBytes", c.DecompressBytes, 64<<20, 1<<10, maxDecompress)
	s.Assignment = word(bad, "Assignment", c.Assignment, assignments, Cooperative, Eager, Server)
	s.StaticMembers = c.StaticMembers
	s.Session = duration(bad, "Session", c.Session, defaultSession, time.Second, 30*time.Minute)
	third := max(s.Session/3, 100*time.Millisecond)
	s.Heartbeat = duration(bad, "Heartbeat", c.Heartbeat, min(defaultHeartbeat, third), 100*time.Millisecond, third)
	s.Rebalance = duration(bad, "Rebalance", c.Rebalance, time.Minute, time.Second, time.Hour)
	if c.Stuck != never {
		s.Stuck = duration(bad, "Stuck", c.Stuck, 5*time.Minute, time.Second, 1<<63-1)
	}
}

func (c Config) connections(bad *mistakes, s *engine.Settings) {
	s.RequestOverhead = duration(bad, "RequestTimeout", c.RequestTimeout, 3*time.Second, 100*time.Millisecond, 15*time.Minute)
	s.MetadataMinAge = duration(bad, "MetadataMinAge", c.MetadataMinAge, 250*time.Millisecond, 10*time.Millisecond, time.Hour)
	age := max(defaultMetadataAge, s.MetadataMinAge)
	s.MetadataMaxAge = duration(bad, "MetadataMaxAge", c.MetadataMaxAge, age, s.MetadataMinAge, time.Hour)
	s.ProbeEvery = duration(bad, "ProbeEvery", c.ProbeEvery, time.Minute, time.Second, 24*time.Hour)
	most := min(max(defaultReadBytes, 2*int64(s.FetchMaxBytes)), maxWire)
	s.ReadBytes = number(bad, "ReadBytes", c.ReadBytes, int32(most), max(s.FetchMaxBytes, 1<<10), maxWire)
}

// text returns a text that brokers are told, or its default.
func text(bad *mistakes, field, value, ifEmpty string, most int) string {
	switch {
	case value == "":
		return ifEmpty
	case len(value) > most:
		bad.add(field, "has %d bytes, allowed are %d", len(value), most)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' }):
		bad.add(field, "has a character that cannot be printed")
	}
	return value
}

// word translates a word; listed are those that a message offers.
func word[W ~string, T any](bad *mistakes, field string, value W, words map[W]T, listed ...W) T {
	found, ok := words[value]
	if !ok {
		bad.add(field, "%.40q is none of %s", string(value), join(listed))
	}
	return found
}

// number returns value within its bounds, or the default for 0.
func number[N int | int32 | int64](bad *mistakes, field string, value, ifZero, least, most N) N {
	switch {
	case value == 0:
		return ifZero
	case value < least || value > most:
		bad.add(field, "%d is out of range: allowed are %d to %d", value, least, most)
	}
	return value
}

// duration returns value within its bounds, or the default for 0.
func duration(bad *mistakes, field string, value, ifZero, least, most time.Duration) time.Duration {
	switch {
	case value == 0:
		return ifZero
	case value < least && most == 1<<63-1:
		bad.add(field, "%v is out of range: allowed are %v and more", value, least)
	case value < least || value > most:
		bad.add(field, "%v is out of range: allowed are %v to %v", value, least, most)
	}
	return value
}

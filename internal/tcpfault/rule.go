package tcpfault

import (
	"fmt"
	"slices"
	"time"
)

// Kind is what a rule does to what it matches.
type Kind int

const (
	// Reset ends the connection by RST when bytes, or a request with one of the keys, arrive, and does not forward them.
	Reset Kind = iota + 1
	// LoseReply forwards requests and ends the connection by RST when a response arrives: the server has applied the
	// request and the client does not learn it.
	LoseReply
	// Truncate forwards Rule.Bytes bytes, of each chunk or of the first chunk of a matching frame, and closes the
	// connection in order: the receiver sees its end in the middle of a frame.
	Truncate
	// Delay waits for Rule.Delay before it forwards a chunk, or the beginning of a matching frame. What follows on the
	// connection waits behind it.
	Delay
	// BlackHole accepts connections and keeps them open, and forwards nothing until it is removed: then everything goes
	// on, as after a cut cable. With keys, a connection stalls from the first matching frame on.
	BlackHole
	// Limit forwards at most Rule.Bytes bytes a second in each direction of each connection.
	Limit
	// Slice forwards in writes of at most Rule.Bytes bytes.
	Slice
	// CutOff ends the connections that there are by RST, and new ones as soon as they are accepted, until it is removed.
	// It takes no keys.
	CutOff
)

func (k Kind) String() string {
	names := [...]string{"reset", "lose reply", "truncate", "delay", "black hole", "limit", "slice", "cut off"}
	if k < 1 || int(k) > len(names) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return names[k-1]
}

// Side is a direction of a connection.
type Side int

const (
	// Both is requests and responses.
	Both Side = iota
	// Requests go from the client to the server.
	Requests
	// Responses go from the server to the client.
	Responses
)

// API keys of Kafka that tests often mean; any other number may be used.
const (
	Produce         int16 = 0
	Fetch           int16 = 1
	Metadata        int16 = 3
	OffsetCommit    int16 = 8
	OffsetFetch     int16 = 9
	FindCoordinator int16 = 10
	JoinGroup       int16 = 11
	Heartbeat       int16 = 12
	SyncGroup       int16 = 14
	InitProducerID  int16 = 22
	AddOffsetsToTxn int16 = 25
	EndTxn          int16 = 26
	TxnOffsetCommit int16 = 28
	GroupHeartbeat  int16 = 68 // ConsumerGroupHeartbeat of KIP-848
)

// Rule says what is done to what. The zero values of Side, Conn, Keys, Skip and Times match everything.
type Rule struct {
	Kind Kind
	// Side is the direction that is meant. Reset means requests unless it says Responses; LoseReply means responses.
	Side Side
	// Conn is the number of a connection in the order in which they are accepted, from 1; 0 is all.
	Conn int
	// Keys are API keys of Kafka; none is all bytes.
	Keys []int16
	// Skip is how many matches are let through first.
	Skip int
	// Times is how often the rule fires after that; 0 is without limit. A match is a frame where there are keys, else
	// a chunk of at most 32 KiB as it was read.
	Times int
	// Delay is for kind Delay.
	Delay time.Duration
	// Bytes is for the kinds Truncate, Limit and Slice; at least 1, for Truncate 0 too.
	Bytes int
}

// checked returns r in full, or panics: a rule that means nothing is the programmer's mistake.
func (r Rule) checked() Rule {
	wrong := ""
	switch {
	case r.Kind < Reset || r.Kind > CutOff:
		wrong = "no such kind"
	case r.Conn < 0 || r.Skip < 0 || r.Times < 0 || r.Delay < 0 || r.Bytes < 0:
		wrong = "negative number"
	case (r.Kind == Limit || r.Kind == Slice) && r.Bytes == 0:
		wrong = "needs bytes"
	case r.Kind == Delay && r.Delay == 0:
		wrong = "needs a delay"
	case r.Kind == CutOff && len(r.Keys) > 0:
		wrong = "takes no keys"
	case r.Kind == LoseReply && r.Side == Requests:
		wrong = "is about responses"
	}
	if wrong != "" {
		panic(fmt.Sprintf("tcpfault: rule %v: %s", r.Kind, wrong))
	}
	if r.Kind == Reset && r.Side == Both {
		r.Side = Requests
	}
	if r.Kind == LoseReply {
		r.Side = Responses
	}
	if r.Kind == CutOff {
		r.Side = Both
	}
	r.Keys = slices.Clone(r.Keys)
	return r
}

// covers is whether the rule is about s on connection conn, leaving Skip and Times aside.
func (r Rule) covers(conn int, side Side, s segment) bool {
	if r.Conn != 0 && r.Conn != conn || r.Side != Both && r.Side != side {
		return false
	}
	if len(r.Keys) == 0 {
		return true
	}
	if !s.known || !slices.Contains(r.Keys, s.key) {
		return false
	}
	// What these do to the head of a frame, they do to all of it; the others act once a frame.
	return s.head || r.Kind == Limit || r.Kind == Slice
}

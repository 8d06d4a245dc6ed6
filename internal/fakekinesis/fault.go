package fakekinesis

import "time"

// A Kind is a way in which a call goes wrong.
type Kind string

// What may become of a call.
const (
	Refuse      Kind = "refuse"       // answers Code and Status; nothing is done
	RefuseAfter Kind = "refuse after" // is done, and answers Code and Status (500 and InternalFailure by default)
	Reset       Kind = "reset"        // breaks the connection; nothing is done
	Lose        Kind = "lose"         // is done, and breaks the connection instead of answering
	Late        Kind = "late"         // breaks the connection, and is done Delay later
	Delay       Kind = "delay"        // is done and answered Delay later; joins with the other kinds
	Slow        Kind = "slow"         // is done, and answered Delay later
	Expired     Kind = "expired"      // answers ExpiredTokenException: the credentials are too old
	FailEntries Kind = "fail entries" // PutRecords stores all but some of its entries, which fail with Code
	Stale       Kind = "stale"        // ListShards and descriptions answer as of Age ago
	Partial     Kind = "partial"      // ListShards leaves the shards of Omit out
	Empty       Kind = "empty"        // GetRecords answers no records though there are some
	Cut         Kind = "cut"          // SubscribeToShard: the connection breaks in the middle of the frame after Events events
	Throw       Kind = "throw"        // SubscribeToShard: the exception Code comes after Events events
	Stall       Kind = "stall"        // SubscribeToShard: nothing is sent any more after Events events
)

// A Fault says which calls go wrong and how. The zero value of each selector selects all; the zero Nth, Times and Chance
// select the first such call.
type Fault struct {
	Op       string // the operation's name, such as PutRecords
	Resource string // the stream, or the table
	Item     string // the shard, or the lease key
	Nth      int    // first call of those selected, from 1
	Times    int    // how many from then on; below 0: all

	// Chance makes every selected call from Nth on go wrong with this probability, by the script's seed; Times then bounds
	// how many do, 0: without bound.
	Chance float64

	Kind    Kind
	Code    string        // the service's name of the error
	Status  int           // of HTTP; by default 500 for InternalFailure and the like, else 400
	Delay   time.Duration // Delay, Late and Slow
	Extra   time.Duration // up to so much is added to Delay, by seed
	Entries []int         // FailEntries: from 0; with no Share either: all
	Share   float64       // FailEntries: entries fail with this probability besides, by seed
	OnShard string        // FailEntries: only entries that go to this shard; "": all
	Age     time.Duration // Stale
	Omit    []string      // Partial: ids of shards; none: one shard, by seed
	Events  int           // Cut, Throw, Stall
}

// selects reports whether the fault may concern c.
func (f *Fault) selects(c Call) bool {
	return (f.Op == "" || f.Op == c.Op) &&
		(f.Resource == "" || f.Resource == c.Resource) &&
		(f.Item == "" || f.Item == c.Item)
}

// status is what HTTP says of the fault's code.
func (f *Fault) status() int {
	switch {
	case f.Status != 0:
		return f.Status
	case f.code() == "InternalFailure", f.code() == "InternalServerError":
		return 500
	case f.code() == "ServiceUnavailable":
		return 503
	}
	return 400
}

// code is the error that the fault names.
func (f *Fault) code() string {
	switch {
	case f.Kind == Expired:
		return "ExpiredTokenException"
	case f.Code != "":
		return f.Code
	case f.Kind == FailEntries:
		return "ProvisionedThroughputExceededException"
	}
	return "InternalFailure"
}

// fails reports whether entry i of a request fails; draw is a random number of the request.
func (f *Fault) fails(i int, draw uint64) bool {
	for _, n := range f.Entries {
		if n == i {
			return true
		}
	}
	return len(f.Entries) == 0 && f.Share == 0 || chance(mix(draw, uint64(i)), f.Share)
}

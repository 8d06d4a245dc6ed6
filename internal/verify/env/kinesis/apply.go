package kinesis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/internal/verify/history"
)

// Codes that more than one operation answers.
const (
	throughput = "ProvisionedThroughputExceededException"
	internal   = "InternalFailure"
)

// codes are the answers that the services give when they mean "not now", as "operation=code".
var codes = []string{
	"PutRecords=" + throughput, "PutRecords=" + internal, "PutRecords=entries", "PutRecord=" + throughput, "PutRecord=" + internal,
	"GetRecords=" + throughput, "GetRecords=" + internal, "GetRecords=ExpiredIteratorException",
	"GetShardIterator=" + throughput, "ListShards=LimitExceededException", "ListShards=ExpiredNextTokenException",
	"SubscribeToShard=ResourceInUseException", "SubscribeToShard=LimitExceededException", "SubscribeToShard=cut",
	"UpdateItem=" + throughput, "UpdateItem=InternalServerError", "Scan=" + throughput, "GetItem=" + throughput,
	"PutItem=" + throughput,
}

// Apply makes a step come true, as far as it can: there may be no member, or nothing to trim.
func (e *service) Apply(_ context.Context, step fault.Step, w env.World) ([]history.Op, error) {
	switch step.Kind {
	case fault.Crash, fault.Pause, fault.Expel:
		return e.strike(step, w)
	case fault.Split, fault.Merge:
		return e.reshard(step, w.Stream)
	case fault.Refuse, fault.Lose, fault.Late, fault.Cut:
		return e.call(step)
	}
	return nil, fmt.Errorf("the services have no fault %q", step.Kind)
}

// strike does something to a member.
func (e *service) strike(step fault.Step, w env.World) ([]history.Op, error) {
	if len(w.Members) == 0 {
		return nil, nil
	}
	member := w.Members[step.Arg%len(w.Members)]
	op := history.Op{Type: history.Note, Proc: member}
	switch step.Kind {
	case fault.Crash:
		_ = e.inner.Abandon(w.Group, member) // it may be about to leave
		op.F = history.Crash
	case fault.Expel:
		op.F = history.Fault
		op.Err = string(step.Kind)
		return []history.Op{op}, e.expel(table(w.Group, w.Stream), member)
	default:
		long, err := time.ParseDuration(step.Target)
		if err != nil {
			return nil, fmt.Errorf("how long to pause: %w", err)
		}
		e.pauseFor(member, long)
		op.F = history.Pause
	}
	return []history.Op{op}, nil
}

// expel takes a member's leases away, as a take by somebody else would.
func (e *service) expel(table, member string) error {
	for _, item := range e.tables.Items(table) {
		if item["leaseOwner"].Text() != member {
			continue
		}
		n, err := strconv.ParseInt(item["leaseCounter"].Text(), 10, 64)
		if err != nil {
			return err
		}
		raised, err := fakekinesis.ReadItem(fmt.Appendf(nil, `{"leaseCounter":{"N":"%d"}}`, n+1))
		if err != nil {
			return err
		}
		item["leaseCounter"] = raised["leaseCounter"]
		delete(item, "leaseOwner")
		delete(item, "checkpointOwner")
		if err := e.tables.Put(table, item); err != nil {
			return err
		}
	}
	return nil
}

// reshard changes the shards of a stream and tells what replaces what.
func (e *service) reshard(step fault.Step, name string) ([]history.Op, error) {
	const most = 8 // a run stays small
	e.mu.Lock()
	defer e.mu.Unlock()
	open := e.layouts[name]
	at := step.Arg % len(open)
	var from, made []string
	var err error
	switch {
	case step.Kind == fault.Split && len(open) < most:
		var low, high string
		from = open[at : at+1]
		low, high, err = e.Split(name, from[0])
		made = []string{low, high}
	case step.Kind == fault.Merge && len(open) > 1:
		var child string
		at = step.Arg % (len(open) - 1)
		from = open[at : at+2]
		child, err = e.Merge(name, from[0], from[1])
		made = []string{child}
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e.all[name] = append(e.all[name], made...)
	e.layouts[name] = slices.Concat(open[:at], made, open[at+len(from):])
	var ops []history.Op
	for _, shard := range made {
		op := history.Op{Type: history.Note, F: history.Reshard, Part: name + "/" + shard}
		for _, parent := range from {
			op.From = append(op.From, name+"/"+parent)
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// How late what is late arrives: long enough for somebody else to have the lease.
const (
	late   = failover / 2
	latest = late + 2*failover
)

// call adds a fault of a call to the service that has the operation.
func (e *service) call(step fault.Step) ([]history.Op, error) {
	f := fakekinesis.Fault{Nth: max(step.Arg, 1)}
	op, what, _ := strings.Cut(step.Target, "=")
	switch {
	case what == "entries":
		f.Kind, f.Share, f.Times = fakekinesis.FailEntries, 0.5, 3
	case what == "cut":
		f.Kind, f.Events = fakekinesis.Cut, step.Arg
	case step.Kind == fault.Refuse:
		f.Kind, f.Code = fakekinesis.Refuse, what
		if f.Times = 1; !strings.HasPrefix(what, "Expired") { // what has expired is asked for anew
			f.Times += step.Arg
		}
	case step.Kind == fault.Lose:
		f.Kind = fakekinesis.Lose
	case strings.HasSuffix(op, "+later"):
		op = strings.TrimSuffix(op, "+later")
		f.Kind, f.Delay, f.Extra = fakekinesis.Late, late, latest-late
		e.mu.Lock()
		e.late = e.late || strings.HasPrefix(op, "PutRecord")
		e.mu.Unlock()
	case step.Kind == fault.Late:
		f.Kind, f.Delay, f.Extra = fakekinesis.Delay, late, failover
	default:
		f.Kind = fakekinesis.Reset
	}
	f.Op = op
	if strings.HasSuffix(op, "Item") || op == "Scan" {
		e.tables.Script().Add(f)
	} else {
		e.Script().Add(f)
	}
	return []history.Op{{Type: history.Note, F: history.Fault, Err: string(step.Kind) + " " + step.Target}}, nil
}

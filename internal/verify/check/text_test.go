package check_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// A script is a history as text, one step after the other, with ";" between them. A step is a word and then, in any
// order:
//
//	0@3      partition s/0, position 3; "x/0@3" is of another stream, "0" alone the partition, "0@1-4" the range of a gap
//	a1       the first record of key a; "_" is a record without a key
//	#7       the UID; without it, that of the place
//	h1 m2 t3 a hold, a process (without it, the hold's own), a transaction
//	<7       the UID of the input; ">0" the partition that is replaced
//	5s       a duration
//
// Time goes on by a millisecond a step; "wait 5s" lets more of it pass.
type script struct {
	ops  []history.Op
	late []history.Op // what "log" will find stored in the end
	at   map[string]history.Op
	now  time.Duration
}

// parse makes the operations of a script.
func parse(text string) []history.Op {
	s := &script{at: map[string]history.Op{}}
	for step := range strings.SplitSeq(text, ";") {
		if words := strings.Fields(step); len(words) > 0 {
			s.step(words[0], words[1:])
		}
	}
	for _, op := range s.late {
		s.add(history.Stored, history.Note, op)
	}
	return s.ops
}

func (s *script) add(f history.Func, t history.Type, op history.Op) {
	s.now += time.Millisecond
	op.F, op.Type, op.Seq, op.T = f, t, uint64(len(s.ops)+1), int64(s.now)
	s.ops = append(s.ops, op)
}

// calls are the words for something that is called and answered at once.
var calls = map[string]struct {
	f history.Func
	t history.Type
}{
	"sent":    {history.Produce, history.OK},
	"failed":  {history.Produce, history.Fail},
	"unknown": {history.Produce, history.Info},
	"save":    {history.Checkpoint, history.OK},
	"refused": {history.Checkpoint, history.Fail},
	"maybe":   {history.Checkpoint, history.Info},
	"commit":  {history.Commit, history.OK},
	"abort":   {history.Commit, history.Fail},
	"doubt":   {history.Commit, history.Info},
}

// halves are the words for one half of a call.
var halves = map[string]struct {
	f history.Func
	t history.Type
}{
	"sending": {history.Produce, history.Invoke}, "acked": {history.Produce, history.OK},
	"saving":     {history.Checkpoint, history.Invoke},
	"saved":      {history.Checkpoint, history.OK},
	"told":       {history.Checkpoint, history.OK},
	"committing": {history.Commit, history.Invoke}, "committed": {history.Commit, history.OK},
}

// notes are the words for something that is seen.
var notes = map[string]history.Func{
	"stored": history.Stored,
	"take":   history.Acquire,
	"get":    history.Deliver,
	"done":   history.Handled,
	"skip":   history.Skipped,
	"gap":    history.Gap, "lost": history.Lost, "free": history.Release, "clean": history.Release, "end": history.End,
	"new": history.Reshard, "trim": history.Trim, "left": history.Saved, "drained": history.Drained, "heal": history.Heal,
	"close": history.Close, "crash": history.Crash, "fault": history.Fault, "escape": history.Escape,
}

func (s *script) step(word string, args []string) {
	if word == "log" { // the records of a partition, acknowledged where they are stored; "-a1" is trimmed by the end
		s.log(args)
		return
	}
	all := s.arguments(args)
	op := all[0]
	call, called := calls[word]
	half, halved := halves[word]
	switch {
	case word == "wait":
		s.now += time.Duration(op.Dur)
	case word == "do": // get and handle each
		for _, op := range all {
			s.add(history.Deliver, history.Note, op)
			s.add(history.Handled, history.Note, op)
		}
	case called:
		asked := op
		asked.Dup, asked.Err = false, ""
		if call.f == history.Produce {
			asked.Part, asked.Pos = "", stream.Position{}
		}
		s.add(call.f, history.Invoke, asked)
		s.add(call.f, call.t, op)
	case halved:
		s.add(half.f, half.t, op)
	case notes[word] != "":
		for _, op := range all {
			op.Clean = word == "clean"
			s.add(notes[word], history.Note, op)
		}
	default:
		panic(fmt.Sprintf("no step begins with %q", word))
	}
}

func (s *script) log(args []string) {
	for i, word := range args[1:] {
		name, trimmed := strings.CutPrefix(word, "-")
		op := s.arguments([]string{name, fmt.Sprintf("%s@%d", args[0], i+1)})[0]
		s.at[place(op)] = op
		asked := op
		asked.Part, asked.Pos = "", stream.Position{}
		s.add(history.Produce, history.Invoke, asked)
		s.add(history.Produce, history.OK, op)
		if !trimmed {
			s.late = append(s.late, op)
		}
	}
}

func place(op history.Op) string { return fmt.Sprint(op.Part, "@", op.Pos) }

// arguments are one operation for each place, and one if there is none.
func (s *script) arguments(args []string) []history.Op {
	var op history.Op
	var places []history.Op
	for _, word := range args {
		number, err := strconv.ParseUint(word[1:], 10, 64)
		long, isLong := time.ParseDuration(word)
		switch {
		case word == "dup":
			op.Dup = true
		case word == "_":
			op.Key = ""
		case strings.HasPrefix(word, "err="):
			op.Err = word[4:]
		case word[0] == '>':
			op.From = append(op.From, "s/"+word[1:])
		case isLong == nil && word != "0":
			op.Dur = int64(long)
		case word[0] >= '0' && word[0] <= '9' || strings.Contains(word, "/"):
			places = append(places, placed(word))
		case err != nil:
			panic(fmt.Sprintf("what is %q?", word))
		case word[0] == '#':
			op.UID = number
		case word[0] == '<':
			op.Cause = number
		case word[0] == '~':
			op.Sum = uint32(number)
		case word[0] == 'h':
			op.Hold = number
		case word[0] == 't':
			op.Txn = number
		case word[0] == 'm':
			op.Proc = word
		default:
			op.Key, op.KSeq = word[:1], number
		}
	}
	if len(places) == 0 {
		return []history.Op{s.complete(op, history.Op{})}
	}
	var all []history.Op
	for _, at := range places {
		all = append(all, s.complete(op, at))
	}
	return all
}

// complete adds what is known of the place, and what can be told from it.
func (s *script) complete(op, at history.Op) history.Op {
	op.Part, op.Pos, op.Next = at.Part, at.Pos, at.Next
	if known, ok := s.at[place(op)]; ok && op.UID == 0 && op.Key == "" {
		op.UID, op.Key, op.KSeq = known.UID, known.Key, known.KSeq
		if op.Sum == 0 {
			op.Sum = known.Sum
		}
	}
	if op.UID == 0 && !op.Pos.IsZero() {
		major, _, _ := op.Pos.Parts()
		op.UID = uint64(op.Part[len(op.Part)-1]-'0'+1)*100 + major[2]
	}
	if op.Sum == 0 {
		op.Sum = uint32(op.UID)
	}
	if op.Proc == "" && op.Hold != 0 {
		op.Proc = fmt.Sprint("m", op.Hold)
	}
	return op
}

// placed reads "0@3", "0@1-4" and "0", with or without a stream.
func placed(word string) history.Op {
	part, rest, _ := strings.Cut(word, "@")
	if !strings.Contains(part, "/") {
		part = "s/" + part
	}
	first, next, _ := strings.Cut(rest, "-")
	return history.Op{Part: part, Pos: at(first), Next: at(next)}
}

func at(number string) stream.Position {
	if number == "" {
		return stream.Position{}
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("%q is no position", number))
	}
	return stream.MakePosition([3]uint64{0, 0, n}, 0, 0)
}

// steps joins scripts.
func steps(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ";")
}

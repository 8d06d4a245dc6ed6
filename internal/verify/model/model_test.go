package model_test

import (
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/internal/verify/model"
	"github.com/streamport-go/streamport/stream"
)

// one is a call with its answer, from one time to another.
func one(from, to int64, c model.Call, a model.Answer) porcupine.Operation {
	if a.Outcome == "" {
		a.Outcome = history.OK
	}
	return porcupine.Operation{Input: c, Call: from, Output: a, Return: to}
}

func pos(n int) stream.Position { return moved(stream.Position{}, n) }

func acquire(epoch int64, at int) (model.Call, model.Answer) {
	return model.Call{Kind: model.Acquire, Epoch: epoch}, model.Answer{Epoch: epoch, Position: pos(at)}
}

func save(epoch int64, at int, o history.Type, class string) (model.Call, model.Answer) {
	return model.Call{Kind: model.Save, Epoch: epoch, Position: pos(at)}, model.Answer{Outcome: o, Class: class}
}

func release(epoch int64) (model.Call, model.Answer) {
	return model.Call{Kind: model.Release, Epoch: epoch}, model.Answer{}
}

func load(epoch int64, at int) (model.Call, model.Answer) {
	return model.Call{Kind: model.Load}, model.Answer{Epoch: epoch, Position: pos(at)}
}

// history of calls, one after the other.
type calls []porcupine.Operation

func (h calls) then(c model.Call, a model.Answer) calls {
	at := int64(10 * len(h))
	return append(h, one(at, at+5, c, a))
}

func TestStoreTellsRightFromWrong(t *testing.T) {
	const ok, fail, info = history.OK, history.Fail, history.Info
	const lost, back = history.ClassLost, history.ClassInvalid
	begun := calls{}.then(acquire(1, 0)).then(save(1, 5, ok, ""))
	for _, c := range []struct {
		name string
		ops  calls
		want bool
	}{
		{"what is saved is read", begun.then(load(1, 5)), true},
		{"something else is read", begun.then(load(1, 4)), false},
		{"the epoch of a load is wrong", begun.then(load(2, 5)), false},
		{"the next has the next epoch", begun.then(acquire(2, 5)), true},
		{"two have one epoch", begun.then(acquire(1, 5)), false},
		{"the older is refused", begun.then(acquire(2, 5)).then(save(1, 6, fail, lost)), true},
		{"the older is taken", begun.then(acquire(2, 5)).then(save(1, 6, ok, "")), false},
		{"the newer is refused", begun.then(acquire(2, 5)).then(save(2, 6, fail, lost)), false},
		{"back is refused", begun.then(save(1, 4, fail, back)), true},
		{"back is taken", begun.then(save(1, 4, ok, "")), false},
		{"forward is refused as back", begun.then(save(1, 6, fail, back)), false},
		{"never acquired and taken", calls{}.then(save(0, 1, ok, "")), false},
		{"unknown and read", begun.then(save(1, 7, info, "")).then(load(1, 7)), true},
		{"unknown and not read", begun.then(save(1, 7, info, "")).then(load(1, 5)), true},
		{"unknown, not read and read later", begun.then(save(1, 7, info, "")).then(load(1, 5)).then(load(1, 7)), true},
		{"unknown, read and gone", begun.then(save(1, 7, info, "")).then(load(1, 7)).then(load(1, 5)), false},
		{"unknown and read too late", begun.then(save(1, 7, info, "")).then(acquire(2, 5)).then(load(2, 7)), false},
		{"an acquisition of unknown outcome counts", begun.then(unknownAcquire()).then(acquire(3, 5)), true},
		{"or not", begun.then(unknownAcquire()).then(acquire(2, 5)), true},
		{"but not twice", begun.then(unknownAcquire()).then(acquire(4, 5)), false},
	} {
		require.Equal(t, c.want, porcupine.CheckOperations(model.Store(), c.ops), c.name)
	}
}

func unknownAcquire() (model.Call, model.Answer) {
	return model.Call{Kind: model.Acquire}, model.Answer{Outcome: history.Info}
}

func TestGroupTellsRightFromWrong(t *testing.T) {
	const ok, fail, info = history.OK, history.Fail, history.Info
	const lost = history.ClassLost
	begun := calls{}.then(acquire(1, 0)).then(save(1, 5, ok, ""))
	for _, c := range []struct {
		name string
		ops  calls
		want bool
	}{
		{"the next holder gets it", begun.then(acquire(2, 5)), true},
		{"the next holder gets less", begun.then(acquire(2, 4)), false},
		{"the older is refused", begun.then(acquire(2, 5)).then(save(1, 6, fail, lost)), true},
		{"the older is taken", begun.then(acquire(2, 5)).then(save(1, 6, ok, "")), false},
		{"lost without a next holder", begun.then(save(1, 6, fail, lost)), true},
		{"lost and taken then", begun.then(save(1, 6, fail, lost)).then(save(1, 7, ok, "")), false},
		{"released and taken then", begun.then(release(1)).then(save(1, 7, ok, "")), false},
		{"refused for no reason that is known", begun.then(save(1, 6, fail, history.ClassThrottled)), false},
		{"unknown and read", begun.then(save(1, 6, info, "")).then(acquire(2, 6)), true},
		{"unknown and not read", begun.then(save(1, 6, info, "")).then(acquire(2, 5)), true},
	} {
		require.Equal(t, c.want, porcupine.CheckOperations(model.Group(), c.ops), c.name)
	}
}

func TestKeysAreApart(t *testing.T) {
	a, first := acquire(1, 0)
	b := a
	b.Key.Partition = "other"
	ops := calls{}.then(a, first).then(b, first)
	require.True(t, porcupine.CheckOperations(model.Store(), ops))
}

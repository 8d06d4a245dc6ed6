package history_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// sentinels are the contract's errors by name, and what they are for a record that was sent.
var sentinels = map[string]struct {
	err     error
	class   string
	outcome history.Type
}{
	"ErrLost":           {stream.ErrLost, history.ClassLost, history.Fail},
	"ErrExpired":        {stream.ErrExpired, history.ClassExpired, history.Fail},
	"ErrUnknownOutcome": {stream.ErrUnknownOutcome, history.ClassUnknown, history.Info},
	"ErrUnsupported":    {stream.ErrUnsupported, history.ClassUnsupported, history.Fail},
	"ErrClosed":         {stream.ErrClosed, history.ClassClosed, history.Fail},
	"ErrTooLarge":       {stream.ErrTooLarge, history.ClassTooLarge, history.Fail},
	"ErrInvalid":        {stream.ErrInvalid, history.ClassInvalid, history.Fail},
	"ErrThrottled":      {stream.ErrThrottled, history.ClassThrottled, history.Fail},
	"ErrUnauthorized":   {stream.ErrUnauthorized, history.ClassUnauthorized, history.Fail},
	"ErrNotFound":       {stream.ErrNotFound, history.ClassNotFound, history.Fail},
	"ErrCorrupt":        {stream.ErrCorrupt, history.ClassCorrupt, history.Fail},
	"ErrGrace":          {stream.ErrGrace, history.ClassGrace, history.Fail},
}

func TestEverySentinelHasAClass(t *testing.T) {
	for name, s := range sentinels {
		for _, err := range []error{
			s.err, fmt.Errorf("a cause: %w", s.err), &stream.Error{Op: "send", Stream: "s", Err: s.err},
			errors.Join(errors.New("another"), s.err),
		} {
			require.Equal(t, s.class, history.Classify(err), "%s: %v", name, err)
			require.Equal(t, s.outcome, history.Outcome(err), "%s: %v", name, err)
		}
	}
}

func TestNoAnswerIsUnavailable(t *testing.T) {
	for _, err := range []error{syscall.ECONNRESET, os.ErrDeadlineExceeded, io.ErrUnexpectedEOF} {
		require.Equal(t, history.ClassUnavailable, history.Classify(fmt.Errorf("ListShards: no answer: %w", err)))
	}
	require.Equal(t, history.ClassUnclassified, history.Classify(io.EOF), "the end of a partition is no error")
}

// TestNoSentinelIsForgotten reads the names from the contract's source.
func TestNoSentinelIsForgotten(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../../stream/errors.go", nil, 0)
	require.NoError(t, err)
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Err") {
			names = append(names, v.Names[0].Name)
		}
		return true
	})
	require.Len(t, names, len(sentinels))
	for _, name := range names {
		require.Contains(t, sentinels, name)
	}
}

func TestOtherErrors(t *testing.T) {
	for _, c := range []struct {
		err     error
		class   string
		outcome history.Type
	}{
		{nil, "", history.OK},
		{context.Canceled, history.ClassCancelled, history.Fail},
		{fmt.Errorf("late: %w", context.DeadlineExceeded), history.ClassCancelled, history.Fail},
		{errors.New("lost"), history.ClassUnclassified, history.Fail},
		{fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, context.Canceled), history.ClassUnknown, history.Info},
		{fmt.Errorf("%w: %w", stream.ErrLost, stream.ErrUnknownOutcome), history.ClassUnknown, history.Info},
		{fmt.Errorf("%w: %w", context.Canceled, stream.ErrClosed), history.ClassClosed, history.Fail},
	} {
		require.Equal(t, c.class, history.Classify(c.err), "%v", c.err)
		require.Equal(t, c.outcome, history.Outcome(c.err), "%v", c.err)
	}
}

func TestRecorderCountsOperations(t *testing.T) {
	r := history.NewRecorder()
	for range 3 {
		r.Add(history.Op{F: history.Heal})
	}
	ops := r.Ops()
	require.Len(t, ops, 3)
	require.True(t, slices.IsSortedFunc(ops, func(a, b history.Op) int { return int(a.T - b.T) }))
	for i, op := range ops {
		require.Equal(t, uint64(i+1), op.Seq)
	}
}

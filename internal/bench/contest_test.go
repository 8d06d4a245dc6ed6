package main

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func recorder(name string, log *[]string) entry {
	return entry{name: name, bout: func(context.Context) (Cost, error) {
		*log = append(*log, name)
		return Cost{Nanos: float64(len(*log))}, nil
	}}
}

func TestContestAlternatesAndTurnsRound(t *testing.T) {
	var log []string
	costs, err := contest(t.Context(), []entry{recorder("a", &log), recorder("b", &log), recorder("c", &log)}, 3, func(string) {})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c", "c", "b", "a", "a", "b", "c"}, log)
	require.Equal(t, Sample{1, 6, 7}, costs["a"].Nanos)
}

func TestContestNamesTheSideThatFailed(t *testing.T) {
	broken := errors.New("broken")
	bad := entry{name: "bad", bout: func(context.Context) (Cost, error) { return Cost{}, broken }}
	var log []string
	_, err := contest(t.Context(), []entry{recorder("a", &log), bad}, 2, func(string) {})
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "bad")
	require.Equal(t, []string{"a"}, log)
}

func TestContestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var log []string
	_, err := contest(ctx, []entry{recorder("a", &log)}, 1, func(string) {})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, log)
}

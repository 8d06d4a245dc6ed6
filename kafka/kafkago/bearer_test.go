package kafkago

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

const hidden = "CANARY-6c1f" // in a secret's place: no error may hold it

// tokenOf makes the mechanism for a token that a function returns.
func tokenOf(t *testing.T, ask func(context.Context) (engine.Token, error)) saslMechanism {
	t.Helper()
	m, err := mechanism(engine.SASL{Mechanism: "OAUTHBEARER", Token: ask}, 3*time.Second)
	require.NoError(t, err)
	require.Equal(t, "OAUTHBEARER", m.Name())
	return m
}

func TestABearerSendsTokenAndExtensions(t *testing.T) {
	for name, c := range map[string]struct {
		token engine.Token
		want  string
	}{
		"token":      {engine.Token{Value: "a.b.c"}, "n,,\x01auth=Bearer a.b.c\x01\x01"},
		"extensions": {engine.Token{Value: "t", Extensions: map[string]string{"pool": "p", "cluster": "lkc 1"}}, "n,,\x01auth=Bearer t\x01cluster=lkc 1\x01pool=p\x01\x01"},
	} {
		t.Run(name, func(t *testing.T) {
			m := tokenOf(t, func(context.Context) (engine.Token, error) { return c.token, nil })
			machine, first, err := m.Start(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.want, string(first))
			done, _, err := machine.Next(t.Context(), nil)
			require.NoError(t, err)
			require.True(t, done)
		})
	}
}

func TestABearerAsksForEachConnection(t *testing.T) {
	asked := 0
	m := tokenOf(t, func(context.Context) (engine.Token, error) {
		asked++
		return engine.Token{Value: fmt.Sprint("t", asked)}, nil
	})
	for _, want := range []string{"t1", "t2"} {
		_, first, err := m.Start(t.Context())
		require.NoError(t, err)
		require.Contains(t, string(first), "Bearer "+want+"\x01")
	}
}

func TestARefusedTokenIsTold(t *testing.T) {
	for name, c := range map[string]struct{ said, want string }{
		"a status":         {`{"status":"invalid_token"}`, `unauthorized: OAUTHBEARER: the broker refuses the token: "invalid_token"`},
		"a scope":          {`{"status":"insufficient_scope","scope":"kafka"}`, `"insufficient_scope"; it asks for the scope "kafka"`},
		"no JSON":          {"no " + hidden, "in words of its own"},
		"no status":        {"{}", "in words of its own"},
		"a status of dots": {`{"status":3}`, "in words of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			machine, _, err := tokenOf(t, func(context.Context) (engine.Token, error) { return engine.Token{Value: hidden}, nil }).Start(t.Context())
			require.NoError(t, err)
			done, _, err := machine.Next(t.Context(), []byte(c.said))
			require.False(t, done)
			require.ErrorIs(t, err, stream.ErrUnauthorized)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), hidden)
		})
	}
}

func TestATokenThatIsNotThereIsTold(t *testing.T) {
	failure := errors.New("the identity provider is down")
	_, first, err := tokenOf(t, func(context.Context) (engine.Token, error) { return engine.Token{}, failure }).Start(t.Context())
	require.ErrorIs(t, err, failure)
	require.Empty(t, first)
}

func TestATokenMustComeInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		_, _, err := tokenOf(t, func(ctx context.Context) (engine.Token, error) {
			<-ctx.Done()
			return engine.Token{}, ctx.Err()
		}).Start(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 3*time.Second, time.Since(begun))
	})
}

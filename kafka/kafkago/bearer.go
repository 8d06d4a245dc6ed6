package kafkago

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/segmentio/kafka-go/sasl"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// bearer is the mechanism OAUTHBEARER (RFC 7628), which kafka-go lacks.
type bearer struct {
	token func(context.Context) (engine.Token, error)
}

// Name is the mechanism's.
func (bearer) Name() string { return "OAUTHBEARER" }

// Start asks for a token, and sends it with its extensions (KIP-342). Neither has a character that would end its field:
// the configuration sees to it.
func (b bearer) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	t, err := b.token(ctx)
	if err != nil {
		return nil, nil, err
	}
	const end = "\x01"
	first := "n,," + end + "auth=Bearer " + t.Value + end
	for _, name := range slices.Sorted(maps.Keys(t.Extensions)) {
		first += name + "=" + t.Extensions[name] + end
	}
	return b, []byte(first + end), nil
}

// Next reads the broker's verdict: nothing, or why it refuses the token, as JSON. RFC 7628 §3.2.3 has a client answer
// a refusal by one byte, only to be told that it is refused; here the connection ends instead, and the reason is kept.
func (bearer) Next(_ context.Context, said []byte) (bool, []byte, error) {
	if len(said) == 0 {
		return true, nil, nil
	}
	var refusal struct{ Status, Scope string }
	err := fmt.Errorf("%w: OAUTHBEARER: the broker refuses the token", stream.ErrUnauthorized)
	if json.Unmarshal(said, &refusal) != nil || refusal.Status == "" {
		return false, nil, fmt.Errorf("%w, in words of its own", err)
	}
	err = fmt.Errorf("%w: %.100q", err, refusal.Status)
	if refusal.Scope != "" {
		err = fmt.Errorf("%w; it asks for the scope %.100q", err, refusal.Scope)
	}
	return false, nil, err
}

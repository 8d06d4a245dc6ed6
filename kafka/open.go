package kafka

import (
	"context"
	"fmt"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/kafka/internal/franz"
	"github.com/streamport-go/streamport/stream"
)

// Open validates c and opens a cluster through franz-go; kafkago.Open does so through kafka-go. Nothing is dialled: the
// first use is. All mistakes come in one error, each Is stream.ErrInvalid, or stream.ErrUnsupported where the client
// library cannot do what is asked, or is another one than c asks for. Ctx bounds Open only.
func Open(ctx context.Context, c Config) (*Backend, error) { return OpenEngine(ctx, c, franz.Driver{}) }

// OpenEngine is Open through another client library. Drivers come from packages below this one, such as kafkago.
func OpenEngine(ctx context.Context, c Config, d engine.Driver) (*Backend, error) {
	if ctx == nil {
		return nil, &stream.Error{Op: "open", Err: errNoContext}
	}
	s, err := c.check(d)
	if err != nil {
		return nil, &stream.Error{Op: "open", Err: err}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, &stream.Error{Op: "open", Err: err}
	}
	client, err := d.Open(s)
	if err != nil {
		return nil, &stream.Error{Op: "open", Err: err}
	}
	return newBackend(s, client), nil
}

// check resolves c and has the library look at it too.
func (c Config) check(d engine.Driver) (engine.Settings, error) {
	if c.Assignment == "" {
		c.Assignment = Assignment(d.Assignment())
	}
	s, err := c.settings()
	if err != nil {
		return s, err
	}
	if c.Client != "" && string(c.Client) != d.Name() {
		const other = "%w: Client: %s is opened by %s.Open, and simulated by %[3]s.Simulate"
		return s, fmt.Errorf(other, stream.ErrUnsupported, c.Client, clients[c.Client])
	}
	return s, d.Check(s)
}

package stream

import (
	"context"
	"log/slog"
)

// observer tells events to the caller's function and to the log.
type observer struct {
	group, member string
	observe       func(Event) // nil: nobody listens
	logger        *slog.Logger
}

func newObserver(group, member string, observe func(Event), logger *slog.Logger) *observer {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &observer{group: group, member: member, observe: observe, logger: logger}
}

// tell completes the event and passes it on. A panic of the caller's function is logged: it comes on goroutines that have
// nothing to do with what the function was told.
func (o *observer) tell(e Event) {
	e.Group, e.Member = o.group, o.member
	if e.Kind != EventDelivered && e.Kind != EventCheckpointed && e.Kind != EventProduced {
		o.log(e)
	}
	if o.observe == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			o.logger.Error("observer panicked", "event", e.Kind)
		}
	}()
	o.observe(e)
}

func (o *observer) log(e Event) {
	level := slog.LevelWarn
	switch e.Kind {
	case EventGranted, EventAsked, EventReleased, EventEnded:
		level = slog.LevelInfo
	}
	if !o.logger.Enabled(context.Background(), level) {
		return
	}
	attrs := []slog.Attr{slog.String("group", e.Group), slog.String("member", e.Member)}
	if e.Stream != "" {
		attrs = append(attrs, slog.String("stream", e.Stream), slog.String("partition", e.Partition))
	}
	if !e.Position.IsZero() {
		attrs = append(attrs, slog.String("position", e.Position.String()))
	}
	if e.Records != 0 {
		attrs = append(attrs, slog.Int("records", e.Records))
	}
	if e.Attempt != 0 {
		attrs = append(attrs, slog.Int("attempt", e.Attempt))
	}
	if e.Duration != 0 {
		attrs = append(attrs, slog.Duration("duration", e.Duration))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", errorClass(e.Err)))
	}
	o.logger.LogAttrs(context.Background(), level, e.Kind, attrs...)
}

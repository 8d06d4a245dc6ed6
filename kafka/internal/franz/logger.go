package franz

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A logger hands what franz-go logs to slog. What franz-go calls information, such as every metadata update, is detail to
// a user, and its debug lines, one and more a request, are left out.
type logger struct{ to *slog.Logger }

// Level is what the slog.Logger wants to hear of now.
func (l logger) Level() kgo.LogLevel {
	for _, level := range []kgo.LogLevel{kgo.LogLevelInfo, kgo.LogLevelWarn, kgo.LogLevelError} {
		if l.to.Enabled(context.Background(), slogLevel(level)) {
			return level
		}
	}
	return kgo.LogLevelNone
}

// Log passes a line on.
func (l logger) Log(level kgo.LogLevel, message string, attributes ...any) {
	if level == kgo.LogLevelDebug {
		return
	}
	l.to.LogAttrs(context.Background(), slogLevel(level), message, slog.Group("franz", attributes...))
}

func slogLevel(level kgo.LogLevel) slog.Level {
	switch level {
	case kgo.LogLevelError:
		return slog.LevelError
	case kgo.LogLevelWarn:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

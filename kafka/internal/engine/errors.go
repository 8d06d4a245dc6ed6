package engine

import (
	"errors"
	"fmt"
)

// ErrExists says that a topic exists already.
var ErrExists = errors.New("the topic exists already")

func truncatedText(t *Truncated) string {
	if t.End.At < 0 {
		return fmt.Sprintf("the log was truncated before offset %d", t.Asked.At)
	}
	return fmt.Sprintf("the log was truncated: offset %d was asked, it ends at %d", t.Asked.At, t.End.At)
}

package streamport

import (
	"fmt"
	"strings"

	"github.com/streamport-go/streamport/internal/confdoc"
	"github.com/streamport-go/streamport/stream"
)

// A ConfigError is one mistake in a configuration. It Is stream.ErrInvalid, whatever else its cause is. It holds no value
// of a secret and nothing that a reference ${NAME} stands for.
type ConfigError struct {
	File    string // as given to LoadConfig; "url" and "environment" for what is not written in a file; "": not known
	Line    int    // from 1; 0: not known
	Key     string // path of keys ("memory.streams[0].partitions"), query key or variable; "": the whole
	Message string // what is wrong and, where it is known, what would be right
	Err     error  // the cause, where there is one beside the message; else nil
}

// Error returns "file:line: key: message".
func (e *ConfigError) Error() string {
	var b strings.Builder
	switch {
	case e.Line > 0 && e.File == "":
		fmt.Fprintf(&b, "line %d: ", e.Line)
	case e.Line > 0:
		fmt.Fprintf(&b, "%s:%d: ", e.File, e.Line)
	case e.File != "":
		b.WriteString(e.File + ": ")
	}
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	return b.String() + e.Message
}

// Unwrap returns stream.ErrInvalid, and the cause if there is one.
func (e *ConfigError) Unwrap() []error {
	if e.Err == nil {
		return []error{stream.ErrInvalid}
	}
	return []error{stream.ErrInvalid, e.Err}
}

// ConfigErrors is every mistake of one configuration, in the order of files and lines. errors.As finds it, or with
// *ConfigError its first.
type ConfigErrors []*ConfigError

// Error returns the only mistake, or a line with their number and then a line for each.
func (e ConfigErrors) Error() string {
	if len(e) == 1 {
		return e[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d mistakes in the configuration:", len(e))
	for _, mistake := range e {
		b.WriteString("\n\t" + mistake.Error())
	}
	return b.String()
}

// Unwrap returns every mistake.
func (e ConfigErrors) Unwrap() []error {
	all := make([]error, len(e))
	for i := range e {
		all[i] = e[i]
	}
	return all
}

// configErrors turns what a decoder found into an error: nil if it found nothing.
func configErrors(mistakes []confdoc.Mistake) error {
	if len(mistakes) == 0 {
		return nil
	}
	all := make(ConfigErrors, len(mistakes))
	for i, m := range mistakes {
		all[i] = &ConfigError{File: m.File, Line: m.Line, Key: m.Name(), Message: m.Message, Err: m.Err}
	}
	return all
}

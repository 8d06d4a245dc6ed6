// Package secret holds passwords, tokens and keys of a configuration so that nothing prints them by accident.
package secret

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"unique"

	"github.com/streamport-go/streamport/stream"
)

// Mask is what stands in a text instead of a secret.
const Mask = "***"

// maxBytes bounds a secret. A private key in PEM has a few KiB.
const maxBytes = 64 << 10

// A Secret is a text that is not printed: every verb of fmt, JSON, YAML, text, gob and slog show "***" instead. Reveal is
// the one way to the text. The zero Secret is empty, and shows as "***" too.
//
// Secrets are comparable: == tells whether the texts are equal. A Secret holds its text behind a pointer, so that fmt
// prints an address where it may not call methods, such as in an unexported field of another struct. Debuggers and printers that
// follow pointers by themselves still see the text, and memory is not wiped.
type Secret struct {
	handle unique.Handle[string]
}

var (
	_ fmt.Formatter            = Secret{}
	_ json.Marshaler           = Secret{}
	_ encoding.TextMarshaler   = Secret{}
	_ encoding.TextUnmarshaler = (*Secret)(nil)
	_ slog.LogValuer           = Secret{}
)

// New keeps text.
func New(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{handle: unique.Make(text)}
}

// FromEnv reads the environment variable name. A variable that is not set, or is empty, is ErrInvalid.
func FromEnv(name string) (Secret, error) {
	text := os.Getenv(name)
	if text == "" {
		return Secret{}, fmt.Errorf("%w: environment variable %q is not set, or empty", stream.ErrInvalid, name)
	}
	return New(text), nil
}

// FromFile reads a file of at most 64 KiB, such as one that an orchestrator mounts, and drops line ends at its end. A file
// that cannot be read, or is empty or larger, is ErrInvalid; the cause is kept.
func FromFile(path string) (Secret, error) {
	text, err := readFile(path)
	switch {
	case err != nil:
		return Secret{}, fmt.Errorf("%w: secret file: %w", stream.ErrInvalid, err)
	case len(text) > maxBytes:
		return Secret{}, fmt.Errorf("%w: secret file %q has more than %d bytes", stream.ErrInvalid, path, maxBytes)
	}
	trimmed := strings.TrimRight(string(text), "\r\n")
	if trimmed == "" {
		return Secret{}, fmt.Errorf("%w: secret file %q is empty", stream.ErrInvalid, path)
	}
	return New(trimmed), nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	return text, errors.Join(err, f.Close())
}

// Reveal returns the text. Call it where the text is handed to the client library, and nowhere else.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.handle.Value()
}

// IsZero reports whether s is empty.
func (s Secret) IsZero() bool { return s == Secret{} }

// String returns "***".
func (Secret) String() string { return Mask }

// GoString returns "***".
func (Secret) GoString() string { return Mask }

// Format writes "***" under every verb and flag.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, Mask) }

// LogValue returns "***".
func (Secret) LogValue() slog.Value { return slog.StringValue(Mask) }

// MarshalJSON returns "***" as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Mask + `"`), nil }

// MarshalText returns "***".
func (Secret) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// GobEncode returns "***". What it writes is not read back.
func (Secret) GobEncode() ([]byte, error) { return []byte(Mask), nil }

// GobDecode refuses: what was encoded is not the secret.
func (*Secret) GobDecode([]byte) error {
	return fmt.Errorf("%w: a secret does not travel in gob", stream.ErrInvalid)
}

// UnmarshalText keeps text. It refuses "***" with ErrInvalid: that is a secret which was printed before.
func (s *Secret) UnmarshalText(text []byte) error {
	switch {
	case string(text) == Mask:
		return fmt.Errorf("%w: the secret is %s, which is what a printed secret looks like", stream.ErrInvalid, Mask)
	case len(text) > maxBytes:
		return fmt.Errorf("%w: a secret of more than %d bytes", stream.ErrInvalid, maxBytes)
	}
	*s = New(string(text))
	return nil
}

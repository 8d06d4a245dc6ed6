package streamport

import "github.com/streamport-go/streamport/internal/secret"

// A Secret is a password, token or key in a configuration. Every verb of fmt, JSON, YAML, text, gob and slog show "***"
// instead of it; Reveal, a method without arguments that returns the string, is the one way to its text. Secrets are
// comparable with ==, and the zero Secret is empty (IsZero).
//
// In a configuration file a secret is written in one of three ways, the last two of which keep it out of the file:
//
//	password: correct horse
//	password: ${KAFKA_PASSWORD}          # or {env: KAFKA_PASSWORD}
//	password: {file: /run/secrets/kafka} # line ends at the end of the file are dropped
//
// In a URL it is ${NAME}, nothing else. A file or variable is read when the configuration is, once. What fmt cannot see
// is that a debugger or a printer which follows pointers of its own accord finds the text; memory is not wiped.
type Secret = secret.Secret

// NewSecret keeps text.
func NewSecret(text string) Secret { return secret.New(text) }

// SecretFromEnv reads the environment variable name. One that is not set, or is empty, is stream.ErrInvalid.
func SecretFromEnv(name string) (Secret, error) { return secret.FromEnv(name) }

// SecretFromFile reads a file of at most 64 KiB and drops line ends at its end. One that cannot be read, is empty or is
// larger is stream.ErrInvalid, with the cause.
func SecretFromFile(path string) (Secret, error) { return secret.FromFile(path) }

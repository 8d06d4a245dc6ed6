package engine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/streamport-go/streamport/stream"
)

// ErrExists says that a topic exists already.
var ErrExists = errors.New("the topic exists already")

// A KafkaError is an error code of a broker's answer. It stays reachable by errors.As through every error of this package.
type KafkaError struct {
	Code Code
	Err  error // the library's own error or the broker's words, which begin with the code's name; may be nil
}

// Error returns the number and the name.
func (e *KafkaError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("kafka error %d: %v", int16(e.Code), e.Code)
	}
	return fmt.Sprintf("kafka error %d: %v", int16(e.Code), e.Err)
}

// Unwrap returns the library's own error.
func (e *KafkaError) Unwrap() error { return e.Err }

// Failed makes an error of an error code of an answer and of the words that came with it; nil for code 0.
func Failed(code int16, message *string) error {
	if code == 0 {
		return nil
	}
	e := &KafkaError{Code: Code(code)}
	if message != nil && *message != "" {
		e.Err = fmt.Errorf("%v: %s", e.Code, *message)
	}
	return e
}

// CodeOf returns the error code in err, and whether there is one.
func CodeOf(err error) (Code, bool) {
	var e *KafkaError
	if !errors.As(err, &e) {
		return 0, false
	}
	return e.Code, true
}

// Map adds to an error of a client library, or to a KafkaError, the sentinel of package stream by which a caller can act,
// and keeps the cause. An error that has a sentinel already, or that is the end of a context, is returned as it is.
// What Map cannot know is the operation: a connection that breaks while a write is under way is told as a broker out of
// reach, and whoever wrote must say that the outcome is unknown.
func Map(err error) error {
	if err == nil || IsMapped(err) {
		return err
	}
	if code, ok := CodeOf(err); ok {
		if sentinel := code.Sentinel(); sentinel != nil {
			return fmt.Errorf("%w: %w", sentinel, err)
		}
		return err
	}
	switch {
	case isAuthentication(err):
		return fmt.Errorf("%w: %w", stream.ErrUnauthorized, err)
	case isPlaintext(err):
		return fmt.Errorf("%w: the broker does not speak TLS: %w", stream.ErrInvalid, err)
	case isUnreachable(err):
		return fmt.Errorf("no broker can be reached, or it closed the connection: %w", err)
	}
	return err
}

// Denied adds to an error that Is stream.ErrUnauthorized which right is missing: an operation in Kafka's names, and the
// resource. Every other error is returned as it is.
func Denied(err error, operation, resource string) error {
	if err == nil || !errors.Is(err, stream.ErrUnauthorized) {
		return err
	}
	if _, ok := CodeOf(err); !ok {
		return err // the connection was refused, not the operation
	}
	return fmt.Errorf("%w (it takes the operation %s on the %s)", err, operation, resource)
}

// sentinels are what a caller of package stream can act on.
var sentinels = [...]error{
	stream.ErrLost, stream.ErrExpired, stream.ErrUnknownOutcome, stream.ErrUnsupported, stream.ErrClosed,
	stream.ErrTooLarge, stream.ErrInvalid, stream.ErrThrottled, stream.ErrUnauthorized, stream.ErrNotFound,
	stream.ErrCorrupt, stream.ErrGrace, ErrExists,
}

// IsMapped reports whether an error has a sentinel already.
func IsMapped(err error) bool {
	for _, s := range sentinels {
		if errors.Is(err, s) {
			return true
		}
	}
	return false
}

// isAuthentication reports whether TLS refused one side's certificate.
func isAuthentication(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		unknown      x509.UnknownAuthorityError
		hostname     x509.HostnameError
		invalid      x509.CertificateInvalidError
		remote       *net.OpError
	)
	switch {
	case errors.As(err, &verification), errors.As(err, &unknown), errors.As(err, &hostname), errors.As(err, &invalid):
		return true
	case errors.As(err, &remote):
		// Package tls wraps the peer's alert so, and exports no type for it.
		return remote.Op == "remote error" && strings.Contains(remote.Err.Error(), "tls: ")
	}
	return false
}

func isPlaintext(err error) bool {
	var header tls.RecordHeaderError
	return errors.As(err, &header)
}

func isUnreachable(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	var broken *net.OpError
	return errors.As(err, &broken) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

func truncatedText(t *Truncated) string {
	if t.End.At < 0 {
		return fmt.Sprintf("the log was truncated before offset %d", t.Asked.At)
	}
	return fmt.Sprintf("the log was truncated: offset %d was asked, it ends at %d", t.Asked.At, t.End.At)
}

package engine_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// meaning is what each error code tells a caller; codes that are not listed tell nothing but themselves.
var meaning = map[error][]int16{
	stream.ErrUnauthorized:   {29, 30, 31, 33, 34, 53, 54, 58, 61, 62, 63, 64, 65, 66, 93, 97},
	stream.ErrNotFound:       {3, 91, 100, 103, 105},
	stream.ErrTooLarge:       {10, 12, 18, 28},
	stream.ErrExpired:        {1, 109},
	stream.ErrLost:           {22, 25, 27, 47, 52, 69, 82, 90, 110, 111, 113},
	stream.ErrUnknownOutcome: {7, 13, 20},
	stream.ErrThrottled:      {89},
	stream.ErrInvalid:        {4, 17, 21, 23, 24, 26, 32, 37, 38, 39, 40, 42, 44, 50, 67, 81, 87, 95, 112, 128},
	stream.ErrUnsupported:    {35, 43, 73, 76},
	stream.ErrCorrupt:        {2},
	engine.ErrExists:         {36},
}

func TestEveryCodeIsMapped(t *testing.T) {
	want := map[int16]error{}
	for sentinel, codes := range meaning {
		for _, code := range codes {
			require.NotContains(t, want, code, "a code has two meanings")
			want[code] = sentinel
		}
	}
	for code := int16(-1); code <= 137; code++ {
		if code == 0 {
			continue
		}
		err := engine.Map(fmt.Errorf("commit: %w", engine.Failed(code, nil)))
		for sentinel := range meaning {
			require.Equal(t, want[code] == sentinel, errors.Is(err, sentinel), "code %d and %v: %v", code, sentinel, err)
		}
		var kept *engine.KafkaError
		require.ErrorAs(t, err, &kept)
		require.Equal(t, engine.Code(code), kept.Code)
		require.Contains(t, err.Error(), fmt.Sprintf("kafka error %d: ", code), "the number is lost")
		require.Contains(t, err.Error(), engine.Code(code).String(), "the name is lost")
		require.Equal(t, err, engine.Map(err), "an error is mapped twice")
	}
	require.Equal(t, "UNKNOWN_ERROR_CODE_137", engine.Code(137).String())
	require.Equal(t, "STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED", engine.Code(135).String())
}

func TestNoErrorStaysNone(t *testing.T) {
	require.NoError(t, engine.Map(nil))
	require.NoError(t, engine.Failed(0, nil))
	require.NoError(t, engine.Denied(nil, "READ", "topic t"))
}

func TestBrokersWordsAreKept(t *testing.T) {
	words := "the policy wants 3 replicas"
	err := engine.Map(engine.Failed(44, &words))
	require.ErrorIs(t, err, stream.ErrInvalid)
	require.ErrorContains(t, err, "kafka error 44: POLICY_VIOLATION: the policy wants 3 replicas")
}

func TestSentinelsAndContextsAreKept(t *testing.T) {
	for _, err := range []error{
		context.Canceled, context.DeadlineExceeded, fmt.Errorf("waiting: %w", context.Canceled),
		fmt.Errorf("%w: so it is", stream.ErrCorrupt), errors.New("something else"),
	} {
		require.Equal(t, err, engine.Map(err))
	}
}

func TestRefusedConnectionsAreUnauthorized(t *testing.T) {
	for _, err := range []error{
		&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")},
		&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
		x509.HostnameError{Certificate: &x509.Certificate{}, Host: "broker"},
		x509.CertificateInvalidError{Reason: x509.Expired},
	} {
		require.ErrorIs(t, engine.Map(fmt.Errorf("dial: %w", err)), stream.ErrUnauthorized)
	}
	plain := engine.Map(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"})
	require.ErrorIs(t, plain, stream.ErrInvalid)
	require.ErrorContains(t, plain, "does not speak TLS")
}

func TestUnreachableBrokersSaySo(t *testing.T) {
	for _, err := range []error{
		&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
		fmt.Errorf("read: %w", io.EOF), io.ErrUnexpectedEOF, net.ErrClosed,
	} {
		got := engine.Map(err)
		require.ErrorContains(t, got, "no broker can be reached")
		require.ErrorIs(t, got, err)
	}
}

func TestDenialNamesOperationAndResource(t *testing.T) {
	err := engine.Denied(engine.Map(engine.Failed(30, nil)), "READ", "group billing")
	require.ErrorIs(t, err, stream.ErrUnauthorized)
	require.ErrorContains(t, err, "READ")
	require.ErrorContains(t, err, "group billing")
	other := engine.Map(engine.Failed(3, nil))
	require.Equal(t, other, engine.Denied(other, "READ", "group billing"))
	login := fmt.Errorf("%w: the broker refused the token", stream.ErrUnauthorized)
	require.Equal(t, login, engine.Denied(login, "READ", "group billing"))
}

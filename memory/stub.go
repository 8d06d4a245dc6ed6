package memory

import (
	"context"
	"errors"

	"github.com/streamport-go/streamport/stream"
)

type Op uint8

const (
	OpOpen Op = iota
	OpNext
	OpSeek
	OpFetch
	OpCheckpoint
	OpRelease
	OpLag
)

type where struct{ member string }

type Faults struct{}

func (Faults) check() error { return nil }

type Script struct{}

type injector struct{}

func newInjector(b *Backend) *injector { return &injector{} }
func (*injector) close()               {}

func (b *Backend) tame() bool { return true }

func (b *Backend) pass(ctx context.Context, op Op, w where) error { return b.live() }

func (m *member) pass(ctx context.Context, op Op, p *partition) error { return nil }

type lanes struct{}

func newLanes(s *sink) *lanes { return &lanes{} }

func (l *lanes) append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {}

type txSink struct{ *sink }

func (b *Backend) openTx(s *sink) *txSink { return &txSink{s} }

type txPart struct{ first uint64 }

type bucket struct{}

func (p *partition) compact(now int64, all bool) {}

func like(p Profile, c stream.Capabilities) (traits, error) { return traits{}, errors.ErrUnsupported }

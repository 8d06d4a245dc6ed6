package consumer

import (
	"context"
	"strings"

	"github.com/streamport-go/streamport/internal/handles"
	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/reader"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
)

// Deps are what a source works with.
type Deps struct {
	Service api.Service
	// Store opens the lease table of that name, and makes it if create is set and there is none: otherwise that is
	// stream.ErrNotFound. Not needed where Settings.LeaseTable is "".
	Store func(ctx context.Context, table string, create bool) (lease.Store, error)
	// Assigned reports whether a leader of KCL 3 assigns the leases of a table: nothing may be taken then. Nil: it
	// does not.
	Assigned func(ctx context.Context, s lease.Store) (bool, error)
	// Known is what the stream was last found to be, without I/O; false if that is not known.
	Known func(stream string) (api.Summary, bool)
	// Reader opens a reader; nil: the readers of package reader.
	Reader func(reader.Config) reader.Reader
	// Sources are the backend's open sources.
	Sources *handles.Members
}

// open opens a reader.
func (d Deps) open(c reader.Config) reader.Reader {
	switch {
	case d.Reader != nil:
		return d.Reader(c)
	case c.Consumer != nil:
		return reader.Subscribe(c)
	}
	return reader.Poll(c)
}

// Table is the name of the lease table of a group and a stream, which may be an ARN.
func Table(s settings.Settings, group, stream string) string {
	if i := strings.LastIndex(stream, ":stream/"); i >= 0 && strings.HasPrefix(stream, "arn:") {
		stream = stream[i+len(":stream/"):]
	}
	return strings.NewReplacer("{group}", group, "{stream}", stream).Replace(s.LeaseTable)
}

package reader

import (
	"context"
	"io"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

// Polling reads a shard by GetRecords.
type Polling struct{ config Config }

// Poll returns a reader that polls. Nothing is asked of the service before the first Next.
func Poll(c Config) *Polling { return &Polling{config: c} }

// Next implements Reader.
func (p *Polling) Next(context.Context) (api.Page, error) { return api.Page{}, io.EOF }

// Close ends reading.
func (p *Polling) Close() error { return nil }

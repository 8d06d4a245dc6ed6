package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A service turns each record of the stream "orders" into one of the stream "invoices". It knows no backend.
type service struct {
	orders   stream.Consumer
	invoices stream.Producer
	modest   bool
}

// What the service cannot do without. It reads orders in order, by a group, and has three days to come back from a
// long week-end's outage. It writes invoices with the order's number in a header, records of up to 512 KiB, and no
// invoice twice.
var (
	orderNeeds = stream.Requirements{
		PartitionOrder: stream.Native, Groups: stream.Emulated, LagRecords: stream.Native, Retention: 72 * time.Hour,
	}
	invoiceNeeds = stream.Requirements{
		KeyOrder: stream.Emulated, Headers: stream.Emulated, Transactions: stream.Native, MaxRecordBytes: 512 << 10,
	}
	modestNeeds = stream.Requirements{PartitionOrder: stream.Native, KeyOrder: stream.Emulated, Groups: stream.Emulated}
)

// openService opens the service on a backend. What either stream lacks is in the error.
func openService(ctx context.Context, b stream.Backend, modest bool) (*service, error) {
	reads, writes := orderNeeds, invoiceNeeds
	if modest {
		reads, writes = modestNeeds, modestNeeds
	}
	orders, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{
		Group: "invoicing", Streams: []string{"orders"}, Require: reads,
		End: stream.Latest(), // a demonstration ends
	})
	invoices, errInvoices := stream.NewProducer(ctx, b, stream.ProducerConfig{
		Member: "invoicing-1", Streams: []string{"invoices"}, Require: writes,
	})
	s := &service{orders: orders, invoices: invoices, modest: modest}
	if err := errors.Join(err, errInvoices); err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	return s, nil
}

// serve returns when all orders are turned into invoices.
func (s *service) serve(ctx context.Context) error { return s.orders.Run(ctx, s.handle) }

// close sends what is left.
func (s *service) close(ctx context.Context) error {
	if s.invoices == nil {
		return nil
	}
	return s.invoices.Close(ctx)
}

func (s *service) handle(ctx context.Context, p *stream.Partition) error {
	for orders, err := range p.Batches(ctx, 100, time.Second) {
		if err != nil {
			return err
		}
		if len(orders) == 0 {
			continue
		}
		if err := s.invoice(ctx, p, orders); err != nil {
			return err
		}
	}
	return nil
}

// invoice writes the invoices and the checkpoint together or, with modest needs, one after the other.
func (s *service) invoice(ctx context.Context, p *stream.Partition, orders []stream.Record) error {
	var invoices []*stream.Record
	for i := range orders {
		invoices = append(invoices, s.made(&orders[i]))
	}
	last := &orders[len(orders)-1]
	if s.modest {
		if err := s.invoices.Send(ctx, invoices...); err != nil {
			return err
		}
		return p.Checkpoint(ctx, last)
	}
	return s.invoices.Transact(ctx, func(tx stream.Tx) error {
		if err := tx.Send(ctx, invoices...); err != nil {
			return err
		}
		return tx.Checkpoint(p, last)
	})
}

// made is the invoice of an order.
func (s *service) made(order *stream.Record) *stream.Record {
	text := fmt.Appendf(nil, "%s owes for %s", order.Key, order.Value)
	invoice := &stream.Record{Stream: "invoices", Key: order.Key, Value: text}
	if !s.modest {
		invoice.Headers = []stream.Header{{Key: "order", Value: order.Value}}
	}
	return invoice
}

// Swap runs one service with two configuration files, of which each names a backend. Nothing else changes.
//
//	go run ./examples/swap
//
// The service turns orders into invoices exactly once, so it requires transactions, and more: see service.go. Today's
// backend has all of it. Tomorrow's has not, and the service says so before it reads the first order: one error lists
// everything that is missing, on every stream, with the reason and a way out. A move fails at the start, and not by
// an incident.
//
// The same service with modest needs, in which an order may give two invoices after a crash, runs on both and makes
// the same invoices:
//
//	go run ./examples/swap -modest
//
// Arguments name other configuration files, of any backend.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/streamport-go/streamport"
	"github.com/streamport-go/streamport/stream"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "swap:", err)
		os.Exit(1)
	}
}

// run is the program, for main and for its test.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("swap", flag.ContinueOnError)
	flags.SetOutput(stdout)
	modest := flags.Bool("modest", false, "require no more than order: invoices may come twice after a crash")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	}
	files := flags.Args()
	if len(files) == 0 {
		files = []string{"examples/swap/today.yaml", "examples/swap/tomorrow.yaml"}
	}
	for _, file := range files {
		if err := try(ctx, file, *modest, stdout); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// try runs the service on the backend that the file names, and prints what became of it. That the backend lacks what
// the service requires is a result like any other here; a service would log it and end.
func try(ctx context.Context, file string, modest bool, stdout io.Writer) (err error) {
	c, err := streamport.LoadConfig(file)
	if err != nil {
		return err
	}
	b, err := c.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	name := filepath.Base(file)
	s, err := openService(ctx, b, modest)
	if errors.Is(err, stream.ErrUnsupported) {
		_, err = fmt.Fprintf(stdout, "%s: the service does not start\n%v\n", name, err)
		return err
	}
	if err != nil {
		return err
	}
	if err := placeOrders(ctx, b); err != nil {
		return errors.Join(err, s.close(ctx))
	}
	if err := errors.Join(s.serve(ctx), s.close(ctx)); err != nil {
		return err
	}
	invoices, err := readInvoices(ctx, b)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s: the service has made %s\n", name, invoices)
	return err
}

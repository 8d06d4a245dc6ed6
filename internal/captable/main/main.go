// Command main prints the capability table of the memory backend's profiles in Markdown.
//
//	go run ./internal/captable/main                     # prints it
//	go run ./internal/captable/main -check README.md    # fails if the file holds another one
//	go run ./internal/captable/main -write README.md    # puts it into the file
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/streamport-go/streamport/internal/captable"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

func main() {
	check := flag.String("check", "", "the `file` that must hold the table")
	write := flag.String("write", "", "the `file` to put the table into")
	flag.Parse()
	if err := run(context.Background(), *check, *write); err != nil {
		fmt.Fprintln(os.Stderr, "captable:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, check, write string) error {
	columns, err := profiles(ctx)
	if err != nil {
		return err
	}
	table := captable.Markdown(columns)
	switch {
	case check != "" && write != "":
		return errors.New("-check and -write exclude each other")
	case check != "":
		return compare(check, table)
	case write != "":
		return replace(write, table)
	}
	_, err = fmt.Print(table)
	return err
}

func profiles(ctx context.Context) ([]captable.Column, error) {
	var columns []captable.Column
	for _, p := range []memory.Profile{memory.Strict, memory.Kafka, memory.Kinesis} {
		c, err := probe(ctx, p)
		if err != nil {
			return nil, err
		}
		columns = append(columns, captable.Column{Name: "memory, " + p.String(), Capabilities: c})
	}
	return columns, nil
}

func probe(ctx context.Context, p memory.Profile) (c stream.Capabilities, err error) {
	const name = "example"
	b, err := memory.Open(ctx, memory.Config{Profile: p, Streams: []stream.StreamConfig{{Name: name}}})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	return b.Capabilities(ctx, name)
}

func compare(file, table string) error {
	have, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	want, err := captable.Replace(have, table)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if !bytes.Equal(have, want) {
		return fmt.Errorf("%s holds another table; run go run ./internal/captable/main -write %s", file, file)
	}
	return nil
}

func replace(file, table string) error {
	have, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, err := captable.Replace(have, table)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, text, 0o644)
}

// Command main prints the capability table in Markdown: the memory backend's profiles, asked, and real brokers and the fake
// Kinesis, as tests of packages kafka and kinesis found them and keep them in testdata. It runs in the folder of the module.
//
//	go run ./internal/captable/main                     # prints it
//	go run ./internal/captable/main -check README.md    # fails if the file holds another one
//	go run ./internal/captable/main -write README.md    # puts it into the file
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

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
	found, err := kept()
	if err != nil {
		return err
	}
	columns = append(columns, found...)
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

// kept are the services whose capabilities tests keep: real brokers, and the fake of Kinesis.
func kept() ([]captable.Column, error) {
	var columns []captable.Column
	for _, b := range []struct{ name, adapter, file string }{
		{"Apache Kafka 4.4.0, 3 nodes", "kafka", "kafka-4.4.0-3.json"},
		{"Apache Kafka 3.9.2, 1 node", "kafka", "kafka-3.9.2-1.json"},
		{"Kafka (kafka-go), 4.4.0, 3 nodes", "kafka", "kafka-kafkago-4.4.0-3.json"},
		{"Kinesis, provisioned", "kinesis", "plain.json"},
		{"the same with Tags, SameKey and FanOut", "kinesis", "fan-out.json"},
	} {
		text, err := os.ReadFile(filepath.Join(b.adapter, "testdata", "capabilities", b.file))
		if err != nil {
			return nil, err
		}
		column := captable.Column{Name: b.name}
		if err := json.Unmarshal(text, &column.Capabilities); err != nil {
			return nil, fmt.Errorf("%s: %w", b.file, err)
		}
		columns = append(columns, column)
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

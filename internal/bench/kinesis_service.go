package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

// kinesisServer is the role of a process that serves Kinesis: its arguments are the shards and the stored records.
const kinesisServer = "kinesis-server"

// serviceMark is what stands before the address that a server tells.
const serviceMark = "serving "

// putShards are so many that no shard's limit holds a producer back, and getShards that 5 calls a second and shard do not.
const (
	putShards = 256
	getShards = 16
)

// serveKinesis serves a stream over plain HTTP on a loopback port. One that stores nothing at first stores nothing ever.
func serveKinesis(args []string, in io.Reader, out io.Writer) (err error) {
	if len(args) != 2 {
		return errors.New("a server needs the number of shards and of records")
	}
	shards, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	records, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	service := fakekinesis.New(fakekinesis.Config{Discard: records == 0, Settling: -1})
	if err := service.Create(streamName, shards); err != nil {
		return err
	}
	if err := fillKinesis(service, records); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: service.Handler(), ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if _, err := fmt.Fprintf(out, "%s%s\n", serviceMark, listener.Addr()); err != nil {
		return errors.Join(err, server.Close())
	}
	_, err = io.Copy(io.Discard, in)
	err = errors.Join(err, server.Close())
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// fillKinesis stores so many records of the load.
func fillKinesis(service *fakekinesis.Server, records int) error {
	client := sdkClient("http://"+streamName, service.RoundTripper())
	load := newLoad(poolSize, valueBytes)
	for from := 0; from < records; from += sdkBatch {
		entries := make([]types.PutRecordsRequestEntry, 0, sdkBatch)
		for i := from; i < min(from+sdkBatch, records); i++ {
			r := load.records[i%poolSize]
			key := string(r.Key)
			entries = append(entries, types.PutRecordsRequestEntry{PartitionKey: &key, Data: r.Value})
		}
		name := streamName
		if _, err := client.PutRecords(context.Background(), &kinesis.PutRecordsInput{StreamName: &name, Records: entries}); err != nil {
			return err
		}
	}
	return nil
}

// A kinesisService is a process that serves.
type kinesisService struct {
	*child
	url string
}

func startKinesis(ctx context.Context, shards, records int) (*kinesisService, error) {
	c, err := startChild(ctx, kinesisServer, strconv.Itoa(shards), strconv.Itoa(records))
	if err != nil {
		return nil, err
	}
	address, err := c.hear(serviceMark)
	if err != nil {
		return nil, err
	}
	return &kinesisService{child: c, url: "http://" + address}, nil
}

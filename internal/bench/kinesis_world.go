package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis"
)

// bubbles are what is measured in virtual time.
var bubbles = map[string]bubble{
	"bytes":    func(o bubbleOptions) (map[string]float64, error) { return useShards(o, largeRecord) },
	"records":  func(o bubbleOptions) (map[string]float64, error) { return useShards(o, valueBytes) },
	"hotkey":   useHotKey,
	"units":    countUnits,
	"failover": failOver,
	"join":     balance,
	"writes":   countWrites,
}

// A kinesisWorld is a fake Kinesis with its limits, and a fake DynamoDB, inside a bubble.
type kinesisWorld struct {
	service   *fakekinesis.Server
	tables    *fakekinesis.Tables
	trip      func() time.Duration // of a request and its answer
	throttled atomic.Int64         // entries of puts
}

func newKinesisWorld(o bubbleOptions, shards int, least, most time.Duration) (*kinesisWorld, error) {
	w := &kinesisWorld{
		service: fakekinesis.New(fakekinesis.Config{Seed: o.seed, Settling: -1, Limits: true}),
		tables:  fakekinesis.NewTables(fakekinesis.TableOptions{Seed: o.seed}),
		trip:    func() time.Duration { return least + rand.N(most-least+1) },
	}
	return w, w.service.Create(streamName, shards)
}

// A road is one process's way to the services. It can end: then nothing passes any more.
type road struct {
	world *kinesisWorld
	ended atomic.Bool
}

var errEnded = errors.New("the process was killed")

func (r *road) RoundTrip(request *http.Request) (*http.Response, error) {
	trip := r.world.trip()
	time.Sleep(trip / 2)
	if r.ended.Load() {
		return nil, errEnded
	}
	response, err := r.world.carry(request)
	time.Sleep(trip - trip/2)
	if r.ended.Load() {
		if err == nil {
			_ = response.Body.Close() // nobody is left to read it
		}
		return nil, errEnded
	}
	return response, err
}

func (w *kinesisWorld) carry(request *http.Request) (*http.Response, error) {
	target := request.Header.Get("X-Amz-Target")
	if strings.HasPrefix(target, "DynamoDB") {
		return w.tables.RoundTrip(request)
	}
	response, err := w.service.RoundTripper().RoundTrip(request)
	if err != nil || !strings.HasSuffix(target, ".PutRecords") || response.StatusCode != http.StatusOK {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	var answer struct{ FailedRecordCount int64 }
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	w.throttled.Add(answer.FailedRecordCount)
	return response, nil
}

// open opens a backend that takes a road. Nothing is looked up on this machine: nobody dials the loopback address.
func (w *kinesisWorld) open(ctx context.Context, r *road, c kinesis.Config) (*kinesis.Backend, error) {
	c.Region, c.Endpoint, c.TableEndpoint, c.HTTP = "us-east-1", "http://127.0.0.1:1", "http://127.0.0.1:1", r
	return kinesis.Open(ctx, c)
}

// stored are all Kinesis records there are.
func (w *kinesisWorld) stored() ([]fakekinesis.Stored, error) {
	shards, err := w.service.OpenShards(streamName)
	if err != nil {
		return nil, err
	}
	var all []fakekinesis.Stored
	for _, id := range shards {
		some, err := w.service.Records(streamName, id)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// nameSDK is the side that calls Amazon's SDK and nothing else.
const nameSDK = "aws-sdk-go-v2"

const (
	sdkBatch   = 500    // records of a PutRecords, at most
	sdkPage    = 10_000 // records of a GetRecords, at most
	sdkWorkers = 24     // goroutines that put: as many requests as this library has under way
)

// sdkClient makes a bare client.
func sdkClient(url string, way http.RoundTripper) *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region: "us-east-1", BaseEndpoint: &url, HTTPClient: &http.Client{Transport: readBodies{way}}, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "bench", SecretAccessKey: "bench"}, nil
		}),
	})
}

// An sdkProducer stores full requests, each made from the load's records when it is sent.
type sdkProducer struct {
	client *kinesis.Client
	load   *load
	keys   []string // of the load's records
}

func openSDKProducer(at kinesisSite) (publisher, error) {
	p := &sdkProducer{client: sdkClient(at.url, at.wire), load: at.load}
	for _, r := range p.load.records {
		p.keys = append(p.keys, string(r.Key))
	}
	return p, nil
}

func (p *sdkProducer) publish(ctx context.Context, deadline time.Time) (int, error) {
	n, err := inCrowd(sdkWorkers, len(p.keys)/sdkBatch, deadline, func(_, i int) error {
		first := i * sdkBatch % len(p.keys)
		entries := make([]types.PutRecordsRequestEntry, sdkBatch)
		for j := range entries {
			entries[j].PartitionKey, entries[j].Data = &p.keys[first+j], p.load.records[first+j].Value
		}
		out, err := p.client.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: aws.String(streamName), Records: entries})
		if err == nil && *out.FailedRecordCount > 0 {
			err = fmt.Errorf("%d records have failed", *out.FailedRecordCount)
		}
		return err
	})
	return n * sdkBatch, err
}

func (p *sdkProducer) close(context.Context) error { return nil }

// readBySDK reads all shards from their beginning, each by a goroutine, and counts what comes.
func readBySDK(ctx context.Context, at kinesisSite, a *intake) error {
	client := sdkClient(at.url, at.wire)
	shards, err := client.ListShards(ctx, &kinesis.ListShardsInput{StreamName: aws.String(streamName)})
	if err != nil {
		return err
	}
	var crew sync.WaitGroup
	errs := make([]error, len(shards.Shards))
	for i, s := range shards.Shards {
		crew.Go(func() { errs[i] = readShardBySDK(ctx, client, s.ShardId, a) })
	}
	crew.Wait()
	return errors.Join(errs...)
}

func readShardBySDK(ctx context.Context, client *kinesis.Client, shard *string, a *intake) error {
	found, err := client.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName: aws.String(streamName), ShardId: shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		return err
	}
	for next := found.ShardIterator; ; {
		page, err := client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: next, Limit: aws.Int32(sdkPage)})
		if err != nil {
			return err
		}
		var sum uint64
		for i := range page.Records {
			sum += digest(page.Records[i].Data)
		}
		a.add(len(page.Records), sum)
		if *page.MillisBehindLatest == 0 {
			return nil
		}
		next = page.NextShardIterator
	}
}

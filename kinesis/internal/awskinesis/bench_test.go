package awskinesis_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/awskinesis"
)

// constant answers each request alike, after it has read it.
func constant(contentType string, answer []byte) trip {
	return func(r *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, r.Body)
		response := respond(200, contentType, nil)
		response.ContentLength, response.Body, response.Request = int64(len(answer)), io.NopCloser(bytes.NewReader(answer)), r
		return response, nil
	}
}

const inJSON = "application/x-amz-json-1.1"

// number is one as the service gives it.
func number(i int) string {
	return fmt.Sprintf("4965012345678901234567890123456789012345678901234%07d", i)
}

// Records of 100 bytes with distinct keys, 500 a request. The ratio to the bare SDK is what counts; the time is a record's.
func BenchmarkPutRecords(b *testing.B) {
	const n = 500
	entries := make([]api.Entry, n)
	native := make([]types.PutRecordsRequestEntry, n)
	var text strings.Builder
	list := make(cbor.List, n)
	for i := range n {
		key, data := fmt.Sprintf("key-%05d", i), bytes.Repeat([]byte("x"), 100)
		entries[i] = api.Entry{Key: key, Data: data}
		native[i] = types.PutRecordsRequestEntry{PartitionKey: &key, Data: data}
		fmt.Fprintf(&text, `,{"SequenceNumber":"%s","ShardId":"shardId-000000000000"}`, number(i))
		list[i] = cbor.Map{"SequenceNumber": cbor.String(number(i)), "ShardId": cbor.String("shardId-000000000000")}
	}
	answer := []byte(`{"FailedRecordCount":0,"Records":[` + text.String()[1:] + `]}`)
	spoken := cbor.Encode(cbor.Map{"FailedRecordCount": cbor.Uint(0), "Records": list})
	run := func(name string, put func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := put(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
		})
	}
	plain := awskinesis.New(config(constant(inJSON, answer)))
	run("sdk", func() error {
		_, err := plain.Client().PutRecords(context.Background(), &kinesis.PutRecordsInput{StreamName: aws.String("orders"), Records: native})
		return err
	})
	run("json", func() error {
		_, err := plain.PutRecords(context.Background(), "orders", entries)
		return err
	})
	c := config(constant(binary, spoken))
	c.CBOR = true
	concise := awskinesis.New(c)
	run("cbor", func() error {
		_, err := concise.PutRecords(context.Background(), "orders", entries)
		return err
	})
}

// Answers of 10,000 records of 100 bytes.
func BenchmarkGetRecords(b *testing.B) {
	const n = 10_000
	var text strings.Builder
	list := make(cbor.List, n)
	data := bytes.Repeat([]byte("x"), 100)
	for i := range n {
		fmt.Fprintf(&text, `,{"SequenceNumber":"%s","ApproximateArrivalTimestamp":1.700000000123E9,"Data":"%s","PartitionKey":"key-%05d"}`,
			number(i), base64.StdEncoding.EncodeToString(data), i)
		list[i] = cbor.Map{
			"SequenceNumber": cbor.String(number(i)), "Data": cbor.Slice(data), "PartitionKey": cbor.String(fmt.Sprintf("key-%05d", i)),
			"ApproximateArrivalTimestamp": &cbor.Tag{ID: 1, Value: cbor.Uint(1_700_000_000_123)},
		}
	}
	answer := []byte(`{"NextShardIterator":"n","MillisBehindLatest":0,"Records":[` + text.String()[1:] + `]}`)
	spoken := cbor.Encode(cbor.Map{"NextShardIterator": cbor.String("n"), "MillisBehindLatest": cbor.Uint(0), "Records": list})
	run := func(name string, get func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := get(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
		})
	}
	plain := awskinesis.New(config(constant(inJSON, answer)))
	run("sdk", func() error {
		_, err := plain.Client().GetRecords(context.Background(), &kinesis.GetRecordsInput{ShardIterator: aws.String("i")})
		return err
	})
	run("json", func() error {
		_, err := plain.Records(context.Background(), "orders", "i", n)
		return err
	})
	c := config(constant(binary, spoken))
	c.CBOR = true
	concise := awskinesis.New(c)
	run("cbor", func() error {
		_, err := concise.Records(context.Background(), "orders", "i", n)
		return err
	})
}

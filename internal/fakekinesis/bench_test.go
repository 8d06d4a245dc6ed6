package fakekinesis_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

// BenchmarkPutRecords is the service's own cost of a request of 500 records of 100 bytes.
func BenchmarkPutRecords(b *testing.B) {
	data := bytes.Repeat([]byte("x"), 100)
	var text strings.Builder
	list := cbor.List{}
	for i := range 500 {
		key := fmt.Sprint("key-", i)
		fmt.Fprintf(&text, `,{"Data":%q,"PartitionKey":%q}`, base64.StdEncoding.EncodeToString(data), key)
		list = append(list, cbor.Map{"Data": cbor.Slice(data), "PartitionKey": cbor.String(key)})
	}
	bodies := map[string][]byte{
		"application/x-amz-json-1.1": []byte(`{"StreamName":"orders","Records":[` + text.String()[1:] + `]}`),
		contentCBOR:                  cbor.Encode(cbor.Map{"StreamName": cbor.String(name), "Records": list}),
	}
	for content, body := range bodies {
		b.Run(strings.TrimPrefix(content, "application/x-amz-"), func(b *testing.B) {
			srv := fakekinesis.New(fakekinesis.Config{Discard: true})
			require.NoError(b, srv.Create(name, 16))
			for b.Loop() {
				req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "https://kinesis.test/", bytes.NewReader(body))
				require.NoError(b, err)
				req.Header.Set("X-Amz-Target", "Kinesis_20131202.PutRecords")
				req.Header.Set("Content-Type", content)
				resp, err := srv.RoundTripper().RoundTrip(req)
				require.NoError(b, err)
				require.Equal(b, 200, resp.StatusCode)
			}
		})
	}
}

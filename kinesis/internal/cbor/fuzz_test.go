package cbor_test

import (
	"testing"

	other "github.com/aws/smithy-go/encoding/cbor"

	"github.com/streamport-go/streamport/kinesis/internal/cbor"
)

// Nothing panics, and a page is never more than its bytes.
func FuzzRead(f *testing.F) {
	f.Add(full(3))
	f.Add(other.Encode(answer(other.Uint(1_700_000_000_123))))
	f.Add([]byte{0xbf, 0x61, 'x', 0x5f, 0x41, 1, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, p []byte) {
		_, _ = cbor.ReadPut(p)
		cbor.ReadFailure(p)
		page, err := cbor.ReadGet(p)
		if err != nil {
			return
		}
		total := 0
		for _, r := range page.Records {
			total += len(r.Key) + len(r.Data)
			if r.Sequence == "" {
				t.Fatal("a record without a number")
			}
		}
		if total != page.Bytes || total > len(p) {
			t.Fatalf("%d bytes of %d, said to be %d", total, len(p), page.Bytes)
		}
		if page.End && page.Next != "" {
			t.Fatal("an end that goes on")
		}
	})
}

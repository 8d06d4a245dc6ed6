package kafkago

import (
	"bytes"
	"encoding/binary"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A keeper is a connection that keeps what is written.
type keeper struct {
	net.Conn
	kept bytes.Buffer
}

func (k *keeper) Write(b []byte) (int, error) { return k.kept.Write(b) }

// requestsOf are requests as kafka-go writes them to a connection: with the wish to make topics, or without any.
func requestsOf(wish bool) []byte {
	var all []byte
	for _, r := range []kmsg.Request{metadataWish(wish, "orders"), kmsg.NewPtrHeartbeatRequest(), metadataWish(wish, "a", "b")} {
		if _, ok := r.(*kmsg.MetadataRequest); ok {
			r.SetVersion(6)
		}
		all = append(all, kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, r, 7)...)
		all = binary.BigEndian.AppendUint32(all, 2) // of a bare token of SASL, shorter than any request
		all = append(all, 0, 3)
	}
	return all
}

func metadataWish(wish bool, topics ...string) *kmsg.MetadataRequest {
	r := kmsg.NewPtrMetadataRequest()
	r.AllowAutoTopicCreation = wish
	for _, topic := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &topic
		r.Topics = append(r.Topics, t)
	}
	return r
}

func TestWishesToMakeTopicsAreTakenAway(t *testing.T) {
	asked, want := requestsOf(true), requestsOf(false)
	require.NotEqual(t, asked, want)
	for size := 1; size <= len(asked); size++ {
		wire := new(keeper)
		c := &unwishing{Conn: wire}
		for at := 0; at < len(asked); at += size {
			piece := asked[at:min(at+size, len(asked))]
			n, err := c.Write(piece)
			require.NoError(t, err)
			require.Equal(t, len(piece), n)
		}
		require.Equal(t, want, wire.kept.Bytes(), "in pieces of %d bytes", size)
	}
	require.Equal(t, requestsOf(true), asked, "the writer's bytes were changed")
}

func FuzzWishesNeedNoOrder(f *testing.F) {
	f.Add(requestsOf(true), 3)
	f.Fuzz(func(t *testing.T, asked []byte, cut int) {
		whole, pieces := new(keeper), new(keeper)
		c := &unwishing{Conn: whole}
		_, err := c.Write(asked)
		require.NoError(t, err)
		cut = max(0, min(cut, len(asked)))
		c = &unwishing{Conn: pieces}
		for _, piece := range [][]byte{asked[:cut], asked[cut:]} {
			_, err := c.Write(piece)
			require.NoError(t, err)
		}
		require.Equal(t, whole.kept.Bytes(), pieces.kept.Bytes())
		require.Len(t, whole.kept.Bytes(), len(asked))
	})
}

package kafkago

import (
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// An identityRequest is Metadata 10, the first that tells topics of one name apart (KIP-516), for one topic. It makes none.
type identityRequest struct {
	topic string
}

// An identityResponse is its answer.
type identityResponse struct {
	metadata.Response
	ids map[string][16]byte
}

func (*identityRequest) ApiKey() protocol.ApiKey { return protocol.Metadata }

func (*identityRequest) version() int16 { return 10 }

func (q *identityRequest) encode(b []byte) []byte {
	b = append(b, 1+1) // one topic
	b = append(b, make([]byte, 16)...)
	b = text(b, q.topic)
	b = append(b, 0) // no tags
	b = flag(b, false)
	b = flag(b, false)  // not what is allowed on the cluster
	b = flag(b, true)   // what is allowed on the topic (KIP-430)
	return append(b, 0) // no tags
}

func (*identityRequest) decode(body []byte) (protocol.Message, error) {
	r := &reading{left: body}
	r.tags(nil) // of the header
	a := &identityResponse{ids: map[string][16]byte{}}
	_ = r.int32() // throttled, ms
	r.each(func() {
		a.Brokers = append(a.Brokers, metadata.ResponseBroker{NodeID: r.int32(), Host: r.text(), Port: r.int32(), Rack: r.text()})
		r.tags(nil)
	})
	a.ClusterID, a.ControllerID = r.text(), r.int32()
	r.each(func() { a.readTopic(r) })
	a.ClusterAuthorizedOperations = r.int32()
	r.tags(nil)
	return a, r.err
}

func (a *identityResponse) readTopic(r *reading) {
	t := metadata.ResponseTopic{ErrorCode: r.int16(), Name: r.text()}
	if id := r.take(16); id != nil {
		a.ids[t.Name] = [16]byte(id)
	}
	t.IsInternal = r.bool()
	r.each(func() {
		t.Partitions = append(t.Partitions, metadata.ResponsePartition{
			ErrorCode: r.int16(), PartitionIndex: r.int32(), LeaderID: r.int32(), LeaderEpoch: r.int32(),
			ReplicaNodes: r.numbers(), IsrNodes: r.numbers(), OfflineReplicas: r.numbers(),
		})
		r.tags(nil)
	})
	t.TopicAuthorizedOperations = r.int32()
	r.tags(nil)
	a.Topics = append(a.Topics, t)
}

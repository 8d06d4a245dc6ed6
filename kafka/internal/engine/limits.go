package engine

import (
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// mostMessageBytes is the largest batch that the library sends or asks a topic to take: 1 GiB. Brokers count it in 31 bits.
const mostMessageBytes = 1 << 30

func (f facts) limits(c *stream.Capabilities) {
	c.MaxRecordBytes = f.recordBytes()
	c.MaxStateBytes = f.stateBytes()
	c.MaxRequestRecords = unlimited("a request is bounded by its bytes; the library splits")
	c.MaxRequestBytes = f.requestBytes()
	const quotas = "Kafka bounds users and clients by quotas, not partitions; a hosted service may have bounds that cannot be asked for"
	c.PartitionWriteBytes = unlimited(quotas)
	c.PartitionWriteRecords = unlimited(quotas)
	c.PartitionReadBytes = unlimited(quotas)
	c.PartitionReadCalls = unlimited(quotas)
}

func unlimited(reason string) stream.Limit {
	return stream.Limit{Source: stream.Assumed, Reason: reason}
}

func unknownLimit(reason string) stream.Limit { return stream.Limit{Reason: reason} }

// recordBytes is the smaller of what the topic takes and what the settings send. Both bound a batch with its header.
func (f facts) recordBytes() stream.Limit {
	const counted = "counted as a Kafka batch that holds the record alone, before compression; "
	own := int64(f.settings.BatchBytes)
	taken, unknown := f.topicNumber("max.message.bytes")
	switch {
	case unknown != "":
		return unknownLimit(fmt.Sprintf("%s; this configuration sends no batch over %d bytes (BatchBytes)", unknown, own))
	case own > 0 && own < taken:
		return stream.Limit{
			Value: own, Hard: own >= mostMessageBytes, Source: stream.Declared,
			Reason: counted + fmt.Sprintf("Config.BatchBytes raises it, up to the topic's %d", taken),
		}
	}
	return stream.Limit{
		Value: taken, Hard: taken >= mostMessageBytes, Source: stream.Discovered,
		Reason: counted + "the topic's max.message.bytes and Config.BatchBytes raise it; StreamConfig.MaxRecordBytes sets it for a new stream",
	}
}

// stateBytes is what the metadata of an offset holds: the state is stored there, beside the position.
func (f facts) stateBytes() stream.Limit {
	text, unknown := f.brokerNumber("offset.metadata.max.bytes")
	if unknown != "" {
		return unknownLimit(unknown)
	}
	limit := stream.Limit{
		Value: -1, Source: stream.Discovered,
		Reason: fmt.Sprintf("the state is stored as text in the offset's metadata, and the brokers' offset.metadata.max.bytes is %d", text),
	}
	if text > 0 && MaxStateBytes(text) > 0 {
		limit.Value = MaxStateBytes(text)
	}
	return limit
}

func (f facts) requestBytes() stream.Limit {
	most, unknown := f.brokerNumber("socket.request.max.bytes")
	if unknown != "" {
		return unknownLimit(unknown)
	}
	return stream.Limit{
		Value: most, Source: stream.Discovered,
		Reason: "the brokers' socket.request.max.bytes, which bounds any request; the library splits",
	}
}

func (f facts) retention() stream.Retention {
	compacts, deletes, unknown := f.policy()
	if unknown != "" {
		return stream.Retention{Reason: unknown}
	}
	if compacts && !deletes {
		return stream.Retention{
			Unlimited: true, Source: stream.Discovered,
			Reason: "the topic is compacted and keeps the last record of each key whatever its age",
		}
	}
	age, unknown := f.topicNumber("retention.ms")
	if unknown != "" {
		return stream.Retention{Reason: unknown}
	}
	size, unknown := f.topicNumber("retention.bytes")
	if unknown != "" {
		return stream.Retention{Reason: unknown}
	}
	keep := stream.Retention{
		Unlimited: age < 0, Bytes: max(size, 0), Source: stream.Discovered,
		Reason: "whole segments are deleted by age, and by size if retention.bytes says so; retention.ms raises it without bound" + f.tiered(),
	}
	if age >= 0 {
		keep.Current = max(duration(age), 1)
	}
	return keep
}

func (f facts) tiered() string {
	if on, unknown := f.config("remote.storage.enable"); unknown == "" && on == "true" {
		return "; older segments are in remote storage, which answers later (local.retention.ms)"
	}
	return ""
}

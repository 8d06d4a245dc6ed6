package engine

import (
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// durability says whether an acknowledged record survives the loss of one machine. What counts is what the topic
// promises, not how many replicas are in sync at the moment: that changes with every restart of a broker.
func (f facts) durability() stream.Flag {
	replicas := f.replicas()
	if f.settings.Acks != AcksAll {
		return declared(stream.None, fmt.Sprintf("acks=%s: a record is acknowledged before another replica has it; set Acks to all",
			f.settings.Acks))
	}
	if replicas == 1 {
		return found(stream.None, "the topic has 1 replica, and with its machine the records are gone; raise the replication factor")
	}
	needed, unknown := f.topicNumber("min.insync.replicas")
	switch {
	case replicas == 0:
		return notKnown("the brokers tell no replicas")
	case unknown != "":
		return notKnown(unknown)
	case needed <= 1:
		return found(stream.None, fmt.Sprintf("min.insync.replicas is 1: with %d replicas a record is acknowledged by one machine alone "+
			"when the others lag; set it to 2", replicas))
	case needed > int64(replicas):
		return found(stream.Native, fmt.Sprintf("nothing is acknowledged at all: min.insync.replicas is %d and there are %d replicas",
			needed, replicas))
	}
	return found(stream.Native, fmt.Sprintf("%d of %d replicas have a record before it is acknowledged%s", needed, replicas, f.unclean()))
}

// replicas is the smallest replication factor among the partitions; 0 if it is not told.
func (f facts) replicas() int {
	least := 0
	for i, p := range f.topic.Partitions {
		if n := len(p.Replicas); i == 0 || n < least {
			least = n
		}
	}
	return least
}

// unclean says what happens when more machines are lost than that.
func (f facts) unclean() string {
	switch allowed, unknown := f.config("unclean.leader.election.enable"); {
	case unknown != "":
		return ""
	case allowed == "true":
		return "; if all of these are lost, a replica without it may lead (unclean.leader.election.enable), and the record is gone"
	}
	return "; if all of these are lost, the partition stands still until one is back"
}

package kafkago

import "github.com/streamport-go/streamport/kafka/internal/engine"

// The codes of an answer to a produce request that mean more than that it is refused or tried again.
const (
	outOfOrder        engine.Code = 45
	duplicateSequence engine.Code = 46
	staleEpoch        engine.Code = 47
	unknownMapping    engine.Code = 49
	unknownProducer   engine.Code = 59
	producerFenced    engine.Code = 90
)

// isPassingCode reports whether a batch that was answered with a code is sent again as it is.
func isPassingCode(c engine.Code) bool {
	switch c {
	case 2, 3, 5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 60, 72, 74, 75, 77, 78, 80, 83, 89, 100:
		return true
	}
	return false
}

// isSureCode reports whether a broker that answers with a code has looked at the batch before it stored anything, and
// has not. Where a partition has moved away it may have stored the batch before it saw that.
func isSureCode(c engine.Code) bool {
	switch c {
	case 2, 10, 17, 18, 19, 29, 31, 32, 43, 76, 87, untold:
		return true
	}
	return false
}

// isIdentity reports whether a code is about the producer, its epoch or its sequence numbers.
func isIdentity(c engine.Code) bool {
	switch c {
	case outOfOrder, staleEpoch, unknownMapping, unknownProducer, producerFenced:
		return true
	}
	return false
}

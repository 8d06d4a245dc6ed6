package engine

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/streamport-go/streamport/stream"
)

// A handler's state stands in the metadata of the committed offset. That is a string of UTF-8, and other programs write
// there too: a state is base64 behind a mark, everything else is none.
const (
	stateMark            = "sp1:"
	defaultMetadataBytes = 4096 // offset.metadata.max.bytes where it is not known: the brokers' default
)

// MaxStateBytes is how large a state fits into metadata of so many bytes (offset.metadata.max.bytes); 0 or less counts as
// the brokers' default of 4096.
func MaxStateBytes(metadata int64) int64 {
	if metadata <= 0 {
		metadata = defaultMetadataBytes
	}
	return max(metadata-int64(len(stateMark)), 0) * 3 / 4
}

// encodeState writes a state as metadata; nil is no state.
func encodeState(state []byte) string {
	if state == nil || mutated("state is dropped") {
		return ""
	}
	return stateMark + base64.RawStdEncoding.EncodeToString(state)
}

// decodeState is the inverse of encodeState. Metadata of other programs is no state; a state that does not decode is
// ErrCorrupt.
func decodeState(metadata string) ([]byte, error) {
	text, ours := strings.CutPrefix(metadata, stateMark)
	if !ours {
		return nil, nil
	}
	state, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: the state in the committed offset's metadata does not decode", stream.ErrCorrupt)
	}
	return state, nil
}

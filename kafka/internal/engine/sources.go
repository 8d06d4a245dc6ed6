package engine

import "github.com/streamport-go/streamport/internal/handles"

// Sources are the open sources of one backend. The zero Sources is empty. Methods may be called from many goroutines.
type Sources struct {
	handles.Members

	// MetadataBytes tells offset.metadata.max.bytes as it was found last, without I/O; nil, and 0, is not known.
	MetadataBytes func() int64
}

// stateBytes is how large a state may be.
func (r *Sources) stateBytes() int64 {
	if r.MetadataBytes == nil {
		return MaxStateBytes(0)
	}
	return MaxStateBytes(r.MetadataBytes())
}

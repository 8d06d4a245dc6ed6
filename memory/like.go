package memory

import (
	"github.com/streamport-go/streamport/stream"
)

func like(p Profile, c stream.Capabilities) (traits, error) { return p.traits(), nil }

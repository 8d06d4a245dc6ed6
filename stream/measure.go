package stream

import (
	"strconv"
	"strings"
	"time"
)

// A measure is what the number of a limit counts, told by the name of its field.
type measure struct {
	bytes bool
	unit  string // of what is not bytes, with a space before it
	per   string
}

func measureOf(name string) measure {
	m := measure{bytes: strings.HasSuffix(name, "Bytes")}
	switch {
	case strings.HasSuffix(name, "Records"):
		m.unit = " records"
	case strings.HasSuffix(name, "Calls"):
		m.unit = " calls"
	}
	if strings.HasPrefix(name, "Partition") && name != "Partitions" {
		m.per = "/s"
	}
	return m
}

// spell writes n exactly: 1 MiB, 1000000 B, 1000 records/s.
func (m measure) spell(n int64) string {
	unit := m.unit
	if m.bytes {
		unit = " B"
		for _, larger := range []string{" KiB", " MiB", " GiB", " TiB"} {
			if n < 1<<10 || n%(1<<10) != 0 {
				break
			}
			n, unit = n>>10, larger
		}
	}
	return strconv.FormatInt(n, 10) + unit + m.per
}

// spell writes d exactly and without units of which there are none: 24h, 1h30m.
func spell(d time.Duration) string {
	s := d.String()
	if short, ok := strings.CutSuffix(s, "m0s"); ok {
		s = short + "m"
	}
	if short, ok := strings.CutSuffix(s, "h0m"); ok {
		s = short + "h"
	}
	return s
}

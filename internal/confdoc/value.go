package confdoc

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads "250ms", "1h30m" or "7d": Go's form, and whole days of 24 hours in front. It has no sign. The error
// does not repeat text.
func ParseDuration(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	if strings.HasPrefix(text, "-") {
		return 0, errDurationRange
	}
	var days int64
	rest := text
	if number, after, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.ParseUint(number, 10, 63)
		switch {
		case errors.Is(err, strconv.ErrRange) || err == nil && n > uint64(math.MaxInt64/day):
			return 0, errDurationRange
		case err != nil:
			return 0, errDuration
		}
		days, rest = int64(n), after
	}
	var part time.Duration
	if rest != "" || text == "" {
		var err error
		if part, err = time.ParseDuration(rest); err != nil {
			return 0, durationError(rest)
		}
	}
	total := time.Duration(days)*day + part
	if strings.HasPrefix(rest, "-") || part < 0 || total < 0 {
		return 0, errDurationRange
	}
	return total, nil
}

var (
	errDuration      = errors.New("a duration is a number with a unit, such as 250ms, 1h30m or 7d (ns, us, ms, s, m, h, d)")
	errDurationUnit  = errors.New("has no unit: a duration is written with one, such as 250ms, 1h30m or 7d")
	errDurationRange = errors.New("out of range: a duration is at least 0 and at most 106751d23h")
)

// durationError finds out why a text is no duration.
func durationError(text string) error {
	digits := strings.TrimLeft(text, "+-")
	switch {
	case digits != "" && strings.Trim(digits, "0123456789.") == "":
		return errDurationUnit
	case tooLong(digits):
		return errDurationRange
	}
	return errDuration
}

// tooLong reports whether text would be a duration if its number were smaller.
func tooLong(text string) bool {
	unit := strings.TrimLeft(text, "0123456789.")
	_, err := time.ParseDuration("1" + unit)
	return err == nil && unit != text
}

// FormatDuration is the inverse of ParseDuration.
func FormatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// A sizeUnit is what a size may be written in.
type sizeUnit struct {
	name  string
	bytes int64
}

var sizeUnits = [...]sizeUnit{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1}, {"", 1},
}

// ParseSize reads a number of bytes: "1048576", "64KiB" (1,024 bytes each), "10MB" (1,000,000 bytes each), "1.5MiB". It
// must come out whole. The error does not repeat text.
func ParseSize(text string) (int64, error) {
	number := strings.TrimRight(text, "BKMGTPEZYbkmgtpezyi")
	unit := strings.TrimPrefix(text, number)
	switch {
	case strings.HasPrefix(number, "-"):
		return 0, errSizeRange
	case number == "" || len(number) > 32 || strings.Trim(number, "0123456789.") != "":
		return 0, errSize
	}
	for _, u := range sizeUnits {
		if u.name == unit {
			return scale(number, u.bytes)
		}
	}
	return 0, fmt.Errorf("unknown unit %s%s", quote(unit), meantUnit(unit))
}

// meantUnit suggests the binary and the decimal unit of the same letter.
func meantUnit(unit string) string {
	for _, u := range sizeUnits[:4] {
		if unit != "" && strings.EqualFold(unit[:1], u.name[:1]) {
			return fmt.Sprintf("; did you mean %s (%d bytes) or %cB?", u.name, u.bytes, u.name[0])
		}
	}
	return "; known: B, KB, MB, GB, TB, KiB, MiB, GiB, TiB"
}

var (
	errSize = fmt.Errorf("a size is a number of bytes, or a number with a unit, such as 64KiB, 10MB or 1.5MiB, "+
		"and at most %d bytes", int64(math.MaxInt64))
	errSizeRange = fmt.Errorf("out of range: a size is at least 0 and at most %d bytes", int64(math.MaxInt64))
)

func scale(number string, bytes int64) (int64, error) {
	n, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, errSize
	}
	n.Mul(n, new(big.Rat).SetInt64(bytes))
	switch {
	case !n.IsInt():
		return 0, errors.New("not a whole number of bytes")
	case !n.Num().IsInt64():
		return 0, errSizeRange
	}
	return n.Num().Int64(), nil
}

// FormatSize is the inverse of ParseSize, with the largest binary unit that leaves a whole number.
func FormatSize(n int64) string {
	for _, u := range sizeUnits[:4] {
		if n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

package confdoc

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"250ms": 250 * time.Millisecond, "1h30m": 90 * time.Minute, "7d": 7 * day, "1d12h": 36 * time.Hour,
		"0s": 0, "0": 0, "1.5s": 1500 * time.Millisecond, "106751d23h": 106751*day + 23*time.Hour, "5µs": 5 * time.Microsecond,
	} {
		got, err := ParseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		"10": "no unit", "1.5": "no unit", "": "a number with a unit", "abc": "a number with a unit",
		"5 minutes": "a number with a unit", "1.5d": "a number with a unit", "d": "a number with a unit",
		"-1s": "out of range", "-1d": "out of range", "1d-1h": "out of range", "-5": "out of range",
		"9999999h": "out of range", "200000d": "out of range", "99999999999999999999d": "out of range",
		"106751d24h": "out of range", "1dd": "a number with a unit", "1h1d": "a number with a unit",
	} {
		_, err := ParseDuration(text)
		require.ErrorContains(t, err, want, text)
	}
}

func TestDurationsAreWrittenAsTheyAreRead(t *testing.T) {
	for d, want := range map[time.Duration]string{
		48 * time.Hour: "2d", 36 * time.Hour: "36h", 90 * time.Minute: "1h30m", 10 * time.Minute: "10m",
		1500 * time.Millisecond: "1.5s", math.MaxInt64: "2562047h47m16.854775807s",
	} {
		require.Equal(t, want, FormatDuration(d))
		back, err := ParseDuration(want)
		require.NoError(t, err)
		require.Equal(t, d, back)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1048576": 1 << 20, "64KiB": 64 << 10, "10MB": 10_000_000, "1.5MiB": 3 << 19, "0": 0, "7B": 7, "2kB": 2000,
		"9223372036854775807": math.MaxInt64, "8388607TiB": 8388607 << 40, "0.5KiB": 512,
	} {
		got, err := ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		"":       "a number of bytes",
		"MiB":    "a number of bytes",
		"1e9GiB": "a number of bytes", "1_000": "a number of bytes", "1 MiB": "a number of bytes", "1/3": "a number of bytes",
		"1.2.3": "a number of bytes", "0x10": "a number of bytes", ".": "a number of bytes",
		"10mb": "did you mean MiB (1048576 bytes) or MB", "10M": "did you mean MiB", "1kib": "did you mean KiB",
		"1ib": "known: B, KB", "1EiB": "known: B, KB",
		"-1": "out of range", "-1MiB": "out of range", "8388608TiB": "out of range", "9223372036854775808": "out of range",
		"0.3KiB": "not a whole number", "1.5": "not a whole number",
		"111111111111111111111111111111111": "a number of bytes",
	} {
		_, err := ParseSize(text)
		require.ErrorContains(t, err, want, text)
	}
}

func TestSizesAreWrittenAsTheyAreRead(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 1: "1", 1000: "1000", 1 << 20: "1MiB", 3 << 19: "1536KiB", 5 << 40: "5TiB"} {
		require.Equal(t, want, FormatSize(n))
		back, err := ParseSize(want)
		require.NoError(t, err)
		require.Equal(t, n, back)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"profile", "partitions", "max_record_bytes", "seed", "tags"}
	for word, want := range map[string]string{
		"profil": "profile", "porfile": "profile", "Profile": "profile", "maxRecordBytes": "max_record_bytes",
		"max-record-byte": "max_record_bytes", "sed": "seed", "partition": "partitions", "tgas": "tags",
		"acks": "", "": "", "x": "", "completely_else": "",
	} {
		require.Equal(t, want, Nearest(word, known), word)
	}
	require.Empty(t, Nearest(string(make([]byte, 10_000)), known), "long words are not compared")
}

func TestSnake(t *testing.T) {
	for name, want := range map[string]string{
		"MaxRecordBytes": "max_record_bytes", "TLSConfig": "tls_config", "URL": "url", "Seed": "seed", "TxTimeout": "tx_timeout",
		"SASLUser": "sasl_user", "NoRateLimits": "no_rate_limits", "ClientID": "client_id",
	} {
		require.Equal(t, want, Snake(name))
	}
}

func TestExpand(t *testing.T) {
	lookup := func(name string) (string, bool) {
		value, ok := map[string]string{"A": "1", "B_2": "two ${A}", "EMPTY": ""}[name]
		return value, ok
	}
	for text, want := range map[string]string{
		"":                "",
		"plain":           "plain",
		"${A}":            "1",
		"x${A}y${A}":      "x1y1",
		"${B_2}":          "two ${A}", // values are not expanded again
		"${EMPTY}":        "",
		"${EMPTY:-d}":     "d",
		"${NONE:-}":       "",
		"${NONE:-a:-b}":   "a:-b",
		"$A $ $$":         "$A $ $$",
		"$${A}":           "${A}",
		"$${A":            "${A",
		"$$${A}":          "$${A}",
		"${NONE:-$}${A}$": "$1$",
	} {
		got, err := expand(text, lookup)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		back, err := expand(escape(got), lookup)
		require.NoError(t, err)
		require.Equal(t, got, back, "escape is the inverse")
	}
	for text, want := range map[string]string{
		"${NONE}": "environment variable NONE is not set", "${": "without its }", "${A": "without its }", "${}": "${NAME}",
		"${1A}": "${NAME}", "${A-b}": "${NAME}", "${ A}": "${NAME}",
	} {
		_, err := expand(text, lookup)
		require.ErrorContains(t, err, want, text)
	}
}

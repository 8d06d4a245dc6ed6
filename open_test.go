package streamport_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport"
	"github.com/streamport-go/streamport/stream"
)

// open opens a URL for the length of a test.
func open(t *testing.T, url string) stream.Backend {
	t.Helper()
	b, err := streamport.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func TestOpenReadsTheQuery(t *testing.T) {
	b := open(t, "memory:?profile=kafka&seed=0&streams=quakes:3,alerts&partitions=2&session=1m&faults.delay=0.5&faults.max_delay=1ms")
	c, err := b.Capabilities(t.Context(), "quakes")
	require.NoError(t, err)
	require.Equal(t, 3, c.Partitions)
	require.Equal(t, stream.Native, c.Transactions.Support, "the profile is Kafka's")
	c, err = b.Capabilities(t.Context(), "alerts")
	require.NoError(t, err)
	require.Equal(t, 2, c.Partitions)
}

func TestOpenTakesEveryFormOfAMemoryURL(t *testing.T) {
	t.Setenv("ORDERS", "orders:5")
	for _, url := range []string{"memory:", "memory://", "MEMORY:?seed=1", "memory:///?seed=1", "memory:?streams=${ORDERS}"} {
		open(t, url)
	}
	c, err := open(t, "memory:?streams=${ORDERS}").Capabilities(t.Context(), "orders")
	require.NoError(t, err)
	require.Equal(t, 5, c.Partitions)
}

func TestOpenIsNotOverriddenByTheEnvironment(t *testing.T) {
	t.Setenv("STREAMPORT_MEMORY_PROFILE", "kafka")
	t.Setenv("STREAMPORT_NO_SUCH_KEY", "x")
	c, err := open(t, "memory:?profile=kinesis&streams=s").Capabilities(t.Context(), "s")
	require.NoError(t, err)
	require.Equal(t, stream.None, c.Transactions.Support)
}

// Rows 1, 2, 4 and 5 of the bad-input catalogue, as far as a URL can say them.
func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct{ url, want string }{
		"row 1: empty stream name":       {"memory:?streams=:4", "url: streams: is empty"},
		"row 1: dot":                     {"memory:?streams=.", "url: streams: "},
		"row 1: two dots":                {"memory:?streams=a,..", "url: streams: "},
		"row 1: long name":               {"memory:?streams=" + strings.Repeat("x", 250), "url: streams: "},
		"row 1: illegal character":       {"memory:?streams=a%2Fb", "url: streams: "},
		"row 1: list of nothing":         {"memory:?streams=", "url: streams: is empty"},
		"row 2: unknown scheme":          {"memroy:", `url: unknown backend "memroy"; did you mean memory?`},
		"row 2: scheme far off":          {"redis://h:1", `url: unknown backend "redis"; known: memory, kafka, kinesis`},
		"row 2: no scheme":               {"memory", "url: not a URL: it must begin with the name of a backend and a colon; did you mean memory:?"},
		"row 2: nothing":                 {"", "url: not a URL"},
		"row 2: unknown key":             {"memory:?profil=kafka", "url: profil: unknown key; did you mean profile?"},
		"row 2: unknown key, far off":    {"memory:?colour=2", "url: colour: unknown key; known: profile, seed, streams"},
		"row 2: key of another backend":  {"memory:?acks=all", "url: acks: unknown key; did you mean kafka.acks?"},
		"row 2: key in another":          {"memory:?faults.crahs=1", "url: faults.crahs: unknown key; did you mean crash?"},
		"row 2: key without its section": {"memory:?max_delay=1s", "url: max_delay: unknown key; did you mean memory.faults.max_delay?"},
		"row 2: duplicate key":           {"memory:?seed=1&seed=1", "url: seed: written twice"},
		"row 2: duplicate, escaped":      {"memory:?seed=1&%73eed=1", "url: seed: written twice"},
		"row 2: key without value":       {"memory:?tags", "url: tags: has no value"},
		"row 2: word":                    {"memory:?profile=kinetic", `url: profile: "kinetic": unknown word; did you mean kinesis?`},
		"row 2: word of another case":    {"memory:?profile=Kafka", `url: profile: "Kafka": unknown word; did you mean kafka?`},
		"row 2: host":                    {"memory://localhost", "url: a URL of memory has no host"},
		"row 2: path":                    {"memory:///quakes", "url: a URL of memory has no path"},
		"row 2: fragment":                {"memory:#x", "url: a # has no meaning here"},
		"row 4: negative duration":       {"memory:?session=-1s", `url: session: "-1s": out of range`},
		"row 4: zero duration":           {"memory:?session=0s", `url: session: "0s": must be more than 0`},
		"row 4: duration without unit":   {"memory:?session=10", `url: session: "10": has no unit`},
		"row 4: overflow":                {"memory:?session=9999999h", `url: session: "9999999h": out of range: a duration is at least 0 and at most`},
		"row 4: negative number":         {"memory:?seed=-1", `url: seed: "-1": must not be negative`},
		"row 4: number out of range":     {"memory:?partitions=20000", "url: partitions: 20000 partitions, allowed are"},
		"row 4: number of 65 bits":       {"memory:?seed=18446744073709551616", "out of range: at most 18446744073709551615"},
		"row 4: rate over 1":             {"memory:?faults.crash=1.5", "url: faults.crash: a rate of 1.5"},
		"row 5: contradiction":           {"memory:?profile=kafka&read_limits=true", "url: read_limits: read limits are of the profile kinesis"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := streamport.Open(t.Context(), c.url)
			require.Nil(t, b)
			require.ErrorIs(t, err, stream.ErrInvalid)
			require.ErrorContains(t, err, c.want)
			var mistakes streamport.ConfigErrors
			require.ErrorAs(t, err, &mistakes)
			require.Len(t, mistakes, 1)
			require.Equal(t, "url", mistakes[0].File)
		})
	}
}

func TestOpenReportsEveryMistakeAtOnce(t *testing.T) {
	_, err := streamport.Open(t.Context(), "memory://h?profil=kafka&seed=x&seed=1&read_limits=true&partitions=0&streams=.&%zz=1")
	var mistakes streamport.ConfigErrors
	require.ErrorAs(t, err, &mistakes)
	var keys []string
	for _, m := range mistakes {
		keys = append(keys, m.Key)
	}
	require.ElementsMatch(t, []string{"", "", "profil", "seed", "seed", "read_limits", "partitions", "streams"}, keys, err.Error())
}

// Row 3 of the bad-input catalogue.
func TestOpenNeverRepeatsUserAndPassword(t *testing.T) {
	const canary = "CANARY5d2"
	for _, url := range []string{
		"memory://u:" + canary + "@h", "memory://" + canary + "@h?seed=1", "memory:u:" + canary + "@h", "kafka://u:" + canary + "@h:9092",
		"://u:" + canary + "@h", "u:" + canary + "@h", canary + ":p@h", "memory://u:" + canary + "?x=y@h", "memory://u:" + canary + "#@h",
		"memory://u:%" + canary + "@h", "memory://u:" + canary + "\x00@h",
	} {
		_, err := streamport.Open(t.Context(), url)
		require.ErrorIs(t, err, stream.ErrInvalid)
		for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
			printed := fmt.Sprintf(verb, err)
			require.NotContains(t, printed, canary)
			require.NotContains(t, printed, strings.ToLower(canary))
		}
		require.ErrorContains(t, err, "no user and no password")
	}
}

// Row 10 of the bad-input catalogue.
func TestOpenRefusesAContextThatCannotServe(t *testing.T) {
	c := streamport.Config{Backend: "memory"}
	var none context.Context
	_, err := streamport.Open(none, "memory:")
	require.ErrorIs(t, err, stream.ErrInvalid)
	_, err = c.Open(none)
	require.ErrorIs(t, err, stream.ErrInvalid)
	why := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	_, err = streamport.Open(ctx, "memory:")
	require.ErrorIs(t, err, why)
	_, err = c.Open(ctx)
	require.ErrorIs(t, err, why)
}

func TestTwoOpensAreIndependent(t *testing.T) {
	const url = "memory:?profile=kafka&streams=shared:2"
	one, err := streamport.Open(t.Context(), url)
	require.NoError(t, err)
	two := open(t, url)
	require.NoError(t, stream.EnsureStream(t.Context(), one, stream.StreamConfig{Name: "of-one"}))
	_, err = two.Capabilities(t.Context(), "of-one")
	require.ErrorIs(t, err, stream.ErrNotFound)
	require.NoError(t, one.Close())
	_, err = one.Capabilities(t.Context(), "shared")
	require.ErrorIs(t, err, stream.ErrClosed)
	_, err = two.Capabilities(t.Context(), "shared")
	require.NoError(t, err)
}

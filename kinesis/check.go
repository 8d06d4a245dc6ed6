package kinesis

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

const (
	never        = time.Duration(-1) // how "forever", and here "not at all", is written in a duration
	maxARN       = 2048              // API operation PutRecords, StreamARN
	defaultTable = "{group}-{stream}"
)

var (
	names   = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`) // API operation CreateStream, StreamName and ConsumerName
	arns    = regexp.MustCompile(`^arn:aws[a-z-]*:kinesis:[a-z0-9-]+:[0-9]{12}:stream/[a-zA-Z0-9_.-]{1,128}$`)
	regions = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
	tables  = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,255}$`) // DynamoDB API operation CreateTable, TableName; at least 3 when filled in
)

// mistakes collects what is wrong with a configuration.
type mistakes []error

// add notes a mistake about a field, named as in Go.
func (m *mistakes) add(field, format string, args ...any) {
	*m = append(*m, fmt.Errorf("%w: %s: %w", stream.ErrInvalid, field, fmt.Errorf(format, args...)))
}

// settings fills in the defaults and reports every mistake at once. It dials nothing.
func (c Config) settings() (settings.Settings, error) {
	var bad mistakes
	s := settings.Settings{
		Allow: c.allow, HTTP: c.HTTP, CBOR: c.CBOR,
		Logger: cmp.Or(c.Logger, slog.New(slog.DiscardHandler)),
	}
	c.places(&bad, &s)
	c.producing(&bad, &s)
	c.sharing(&bad, &s)
	c.reading(&bad, &s)
	return s, errors.Join(bad...)
}

// places resolves what names the services and the streams.
func (c Config) places(bad *mistakes, s *settings.Settings) {
	for _, name := range c.Streams {
		if err := checkStream(name); err != nil {
			bad.add("Streams", "%w", err)
		}
	}
	if s.Region = c.Region; c.Region != "" && !regions.MatchString(c.Region) {
		bad.add("Region", "%.40q is no name of a region, such as eu-west-1", c.Region)
	}
	if len(c.Profile) > maxARN || strings.ContainsFunc(c.Profile, func(r rune) bool { return r < ' ' }) {
		bad.add("Profile", "is no name of a profile")
	}
	s.Endpoint = endpoint(bad, "Endpoint", c.Endpoint)
	s.Tables = endpoint(bad, "TableEndpoint", c.TableEndpoint)
}

// allow refuses a stream that c does not name, and what is none.
func (c Config) allow(name string) error {
	if err := checkStream(name); err != nil {
		return err
	}
	if len(c.Streams) > 0 && !slices.Contains(c.Streams, name) {
		return fmt.Errorf("%w: stream %.80q is none of Config.Streams", stream.ErrInvalid, name)
	}
	return nil
}

// checkStream refuses what is neither a name nor an ARN.
func checkStream(name string) error {
	if names.MatchString(name) && name != "." && name != ".." || arns.MatchString(name) {
		return nil
	}
	return fmt.Errorf("%w: %.80q is neither a stream's name (1 to 128 of a-z, A-Z, 0-9, '_', '.' and '-') nor its ARN", stream.ErrInvalid, name)
}

// endpoint refuses what would send credentials over a network in the clear.
func endpoint(bad *mistakes, field, text string) string {
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		bad.add(field, "is no URL of the form https://host or http://127.0.0.1:port")
	case u.User != nil:
		bad.add(field, "has a user or password in it; credentials come from AWS's chain")
	case u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		bad.add(field, "has more than a scheme and a host")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		bad.add(field, "is http to %.80q, which is not this machine: use https", u.Hostname())
	}
	return text
}

// isLoopback reports whether host is this machine: "localhost", or an address that says so.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c Config) producing(bad *mistakes, s *settings.Settings) {
	s.Mode = word(bad, "Mode", c.Mode, modes, KeyOrdered, Strict, Unordered)
	s.Aggregation = word(bad, "Aggregation", c.Aggregation, aggregations, AggregateOff, SameKey, ByShard)
	s.Tags = c.Tags
	s.Compression = word(bad, "Compression", c.Compression, compressions, NoCompression, Gzip, Zstd)
	if s.Compression != string(NoCompression) && !c.Tags {
		bad.add("Compression", "%q needs Tags: a record says in a tag that its value is compressed", string(c.Compression))
	}
	if s.Aggregation == settings.ByShard && s.Mode != settings.Unordered {
		bad.add("Aggregation", "%q needs the mode %q: a record that turns out to belong to another shard is sent again after later ones", ByShard, Unordered)
	}
	if c.Linger != never {
		s.Linger = within(bad, "Linger", c.Linger, 5*time.Millisecond, 0, time.Minute)
	}
	s.AggregateBytes = within(bad, "AggregateBytes", c.AggregateBytes, 50<<10, 1<<10, 10<<20)
	s.AggregateRecords = within(bad, "AggregateRecords", c.AggregateRecords, 4096, 1, 100_000)
	s.InFlight = within(bad, "InFlight", c.InFlight, 24, 1, 200)
	s.Share = within(bad, "WriteShare", c.WriteShare, 1, 0.01, 1.5)
	s.PutTimeout = within(bad, "PutTimeout", c.PutTimeout, 6*time.Second, 100*time.Millisecond, time.Minute)
}

// sharing resolves how members share shards.
func (c Config) sharing(bad *mistakes, s *settings.Settings) {
	s.LeaseTable = cmp.Or(c.LeaseTable, defaultTable)
	filled := strings.NewReplacer("{group}", "group", "{stream}", "stream").Replace(s.LeaseTable)
	if !tables.MatchString(filled) || len(filled) < 3 {
		bad.add("LeaseTable", "%.80q is no table's name: 3 to 255 of a-z, A-Z, 0-9, '_', '.' and '-', with {group} and {stream}", c.LeaseTable)
	}
	if c.Static {
		s.LeaseTable = ""
		if c.LeaseTable != "" || c.CreateTable || c.Shared {
			bad.add("Static", "needs no table: LeaseTable, CreateTable and Shared have no meaning with it")
		}
	}
	s.CreateTable, s.GoOnly = c.CreateTable, !c.Shared
	s.Failover = within(bad, "Failover", c.Failover, 10*time.Second, time.Second, 10*time.Minute)
	s.MaxSteal = within(bad, "MaxSteal", c.MaxSteal, 0, 1, 10_000)
	s.SyncEvery = within(bad, "SyncEvery", c.SyncEvery, time.Minute, time.Second, time.Hour)
	s.ListingLag = within(bad, "ListingLag", c.ListingLag, 30*time.Second, time.Second, 10*time.Minute)
}

func (c Config) reading(bad *mistakes, s *settings.Settings) {
	if s.FanOut = c.FanOut; c.FanOut != "" && !names.MatchString(strings.ReplaceAll(c.FanOut, "{group}", "group")) {
		bad.add("FanOut", "%.80q is no consumer's name: 1 to 128 of a-z, A-Z, 0-9, '_', '.' and '-', with {group}", c.FanOut)
	}
	s.PollEvery = within(bad, "PollEvery", c.PollEvery, time.Second, 200*time.Millisecond, time.Minute)
	s.PollLimit = within(bad, "PollRecords", c.PollRecords, 10_000, 1, 10_000)
	s.PollShare = within(bad, "PollShare", c.PollShare, 1, 0.05, 1)
	s.BufferBytes = within(bad, "BufferBytes", c.BufferBytes, 16<<20, 1<<20, 1<<30)
	s.DropForeign = c.DropForeign
	s.RequestTimeout = within(bad, "RequestTimeout", c.RequestTimeout, 10*time.Second, 100*time.Millisecond, 5*time.Minute)
	s.ProbeEvery = within(bad, "ProbeEvery", c.ProbeEvery, time.Minute, time.Second, 24*time.Hour)
}

// What words mean to the packages below.
var (
	modes = map[Mode]settings.Mode{
		"": settings.KeyOrdered, KeyOrdered: settings.KeyOrdered, Strict: settings.Strict, Unordered: settings.Unordered,
	}
	aggregations = map[Aggregation]settings.Aggregation{
		"": settings.AggregateOff, AggregateOff: settings.AggregateOff, SameKey: settings.SameKey, ByShard: settings.ByShard,
	}
	compressions = map[Compression]string{
		"": string(NoCompression), NoCompression: string(NoCompression), Gzip: string(Gzip), Zstd: string(Zstd),
	}
)

// word translates a word; listed are those that a message offers.
func word[W ~string, T any](bad *mistakes, field string, value W, words map[W]T, listed ...W) T {
	found, ok := words[value]
	if !ok {
		quoted := make([]string, len(listed))
		for i, w := range listed {
			quoted[i] = string(w)
		}
		bad.add(field, "%.40q is none of %s", string(value), strings.Join(quoted, ", "))
	}
	return found
}

// within returns value if it is within its bounds, or the default for 0.
func within[N int | int64 | float64 | time.Duration](bad *mistakes, field string, value, ifZero, least, most N) N {
	switch {
	case value == 0:
		return ifZero
	case !(value >= least && value <= most): // so that no NaN passes
		bad.add(field, "%v is out of range: allowed are %v to %v", value, least, most)
	}
	return value
}

package testenv

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// KPLVersion is the version of the Kinesis Producer Library.
const KPLVersion = "1.1.1"

//go:embed java/KplProducer.java
var kplProducer string

// KPLConfig says what RunKPL stores and where. Endpoint and Stream must be given.
type KPLConfig struct {
	// Endpoint is the URL of HTTPS, as Emulator.TLSEndpoint gives it: the library speaks nothing else.
	Endpoint string
	Stream   string
	// Plain stores each record by itself. Otherwise the library aggregates all but the first, which it needs to learn the
	// shards.
	Plain bool
}

// KPLRecord is a record for the Kinesis Producer Library.
type KPLRecord struct {
	Key  string
	Hash string // explicit hash key in decimal; "": none
	Data []byte
}

// Stored is where a record was stored.
type Stored struct{ Shard, Sequence string }

// RunKPL stores records by the Kinesis Producer Library, in a process of its own that ends with it or with ctx.
func RunKPL(ctx context.Context, config KPLConfig, records []KPLRecord) ([]Stored, error) {
	all, err := runKPL(ctx, config, records)
	if err != nil {
		return nil, fmt.Errorf("testenv: producer library: %w", err)
	}
	return all, nil
}

func runKPL(ctx context.Context, config KPLConfig, records []KPLRecord) ([]Stored, error) {
	u, err := url.Parse(config.Endpoint)
	if err != nil || u.Scheme != "https" || config.Stream == "" {
		return nil, fmt.Errorf("an endpoint of https and a stream are needed: %w", err)
	}
	d, err := openJars(ctx, "kpl-"+KPLVersion, artifact{group: "software.amazon.kinesis", name: "amazon-kinesis-producer",
		version: KPLVersion, slf4j: "2.0.17"})
	if err != nil {
		return nil, err
	}
	class, classes, err := d.program(ctx, kplProducer)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "streamport-kpl-") // of its native program, which others must not share
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }() // a temporary folder that stays harms nothing
	args := slices.Concat([]string{"-Xmx256m", quick}, jvm, []string{"-Dproducer.port=" + u.Port(),
		"-Dproducer.stream=" + config.Stream, "-Dproducer.region=" + Region, "-Dproducer.folder=" + folder,
		"-Dproducer.id=" + AccessKey, "-Dproducer.secret=" + SecretKey,
		"-Dproducer.aggregation=" + strconv.FormatBool(!config.Plain),
		"-cp", d.classpath() + string(os.PathListSeparator) + classes, class})
	cmd := exec.CommandContext(ctx, d.java, args...)
	cmd.Stdin = kplInput(records)
	out, err := output(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return kplOutput(string(out), len(records))
}

// kplInput is what KplProducer.java reads.
func kplInput(records []KPLRecord) *bytes.Buffer {
	var in bytes.Buffer
	for _, r := range records {
		fmt.Fprintf(&in, "%s\t%s\t%s\n", base64.StdEncoding.EncodeToString([]byte(r.Key)), r.Hash,
			base64.StdEncoding.EncodeToString(r.Data))
	}
	return &in
}

// kplOutput reads what KplProducer.java prints of n records.
func kplOutput(out string, n int) ([]Stored, error) {
	var all []Stored
	for line := range strings.Lines(out) {
		shard, sequence, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			return nil, fmt.Errorf("it printed %.80q", line)
		}
		all = append(all, Stored{shard, sequence})
	}
	if len(all) != n {
		return nil, fmt.Errorf("it told of %d records of %d", len(all), n)
	}
	return all, nil
}

package testenv

import (
	"bufio"
	"cmp"
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Versions of the Kinesis Client Library that share their tables with us.
const (
	KCL2 = "2.7.2"
	KCL3 = "3.5.1"
)

// Modes of KCL3. In the first two it takes leases as KCL2 does.
const (
	KCLPhase1     = "CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X_PHASE1"
	KCLCompatible = "CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X"
	KCLNative     = "CLIENT_VERSION_CONFIG_3X"
)

//go:embed java/KclWorker.java
var kclWorker string

// KCLConfig says what worker of the Kinesis Client Library is started. Stream, Table, Kinesis and DynamoDB must be
// given.
type KCLConfig struct {
	// Version is KCL2 or KCL3, the default.
	Version string
	// Mode is one of KCL3; default KCLPhase1. KCL2 has none.
	Mode string
	// Stream is what is read, Table the lease table, which is also the application's name.
	Stream, Table string
	// Worker is the lease owner's name; default "java".
	Worker string
	// Kinesis and DynamoDB are URLs.
	Kinesis, DynamoDB string
	// Start is TRIM_HORIZON, the default, or LATEST.
	Start string
	// Failover is how long an owner may be silent; default 10 s, as the library has it.
	Failover time.Duration
	// Checkpoint is "batch", the default: after each batch; "record": after each record; or "none": at the end of a shard
	// and on an orderly stop only.
	Checkpoint string
	// Slow is how long the handler takes for a record.
	Slow time.Duration
	// Heap is the largest heap, in the form of java's -Xmx; default "256m".
	Heap string
	// Log gets what the library logs, beside the file from which errors quote.
	Log io.Writer
}

func (c KCLConfig) filled() (KCLConfig, error) {
	c.Version = cmp.Or(c.Version, KCL3)
	c.Worker = cmp.Or(c.Worker, "java")
	c.Start = cmp.Or(c.Start, "TRIM_HORIZON")
	c.Failover = cmp.Or(c.Failover, 10*time.Second)
	c.Checkpoint = cmp.Or(c.Checkpoint, "batch")
	c.Heap = cmp.Or(c.Heap, "256m")
	if c.Version == KCL3 {
		c.Mode = cmp.Or(c.Mode, KCLPhase1)
	}
	var mistakes []error
	wrong := func(is bool, format string, args ...any) {
		if is {
			mistakes = append(mistakes, fmt.Errorf("testenv: "+format, args...))
		}
	}
	wrong(c.Version != KCL2 && c.Version != KCL3, "version %q of the client library", c.Version)
	wrong(c.Version == KCL2 && c.Mode != "", "version 2 has no mode %q", c.Mode)
	wrong(c.Mode != "" && !slices.Contains([]string{KCLPhase1, KCLCompatible, KCLNative}, c.Mode), "mode %q", c.Mode)
	wrong(slices.Contains([]string{c.Stream, c.Table, c.Kinesis, c.DynamoDB}, ""),
		"stream, table and both endpoints are needed")
	wrong(!slices.Contains([]string{"batch", "record", "none"}, c.Checkpoint), "checkpoint %q", c.Checkpoint)
	wrong(!heapForm.MatchString(c.Heap), "heap %q is not of the form 256m", c.Heap)
	return c, errors.Join(mistakes...)
}

// properties are the settings of the Java program.
func (c KCLConfig) properties() []string {
	return []string{"-Dworker.stream=" + c.Stream, "-Dworker.table=" + c.Table, "-Dworker.worker=" + c.Worker,
		"-Dworker.kinesis=" + c.Kinesis, "-Dworker.dynamodb=" + c.DynamoDB, "-Dworker.start=" + c.Start,
		"-Dworker.mode=" + c.Mode, "-Dworker.checkpoint=" + c.Checkpoint,
		"-Dworker.failover=" + strconv.FormatInt(c.Failover.Milliseconds(), 10),
		"-Dworker.slow=" + strconv.FormatInt(c.Slow.Milliseconds(), 10),
		"-Dworker.region=" + Region, "-Dworker.id=" + AccessKey, "-Dworker.secret=" + SecretKey}
}

// KCL is one worker of the Kinesis Client Library in a process of its own. Its methods may be called from many
// goroutines.
//
// What it does is told by Next. A worker whose events nobody takes stops when about 1,000 wait.
type KCL struct {
	*runner
	folder string
	events chan KCLEvent
	ended  chan struct{} // closed by Stop
	wg     sync.WaitGroup
	stop   func()
}

// KCLEvent is something that a worker lived through.
type KCLEvent struct {
	// Kind is "running"; "granted", "record", "saved" (a checkpoint), "lost", "ended" and "asked" (to give back) of a
	// shard; "failed", with Text; "stopped".
	Kind     string
	Shard    string
	Sequence string // granted: the checkpoint; record: its number
	Sub      int64
	Key      string
	Data     []byte
	// Aggregated is whether the record was part of an aggregate; Hash is its explicit hash key, or "".
	Aggregated bool
	Hash       string
	Text       string
	At         time.Time // when it was read here
}

// StartKCL starts a worker. It is at work when its first event with the Kind "granted" comes: some seconds later if the
// table and the leases are there, up to a minute if it makes them. Call Stop when it is not needed any more.
func StartKCL(ctx context.Context, config KCLConfig) (*KCL, error) {
	config, err := config.filled()
	if err != nil {
		return nil, err
	}
	// A record that the library cannot de-aggregate makes it look for a class that Java has no longer.
	const jaxb = `<dependency><groupId>javax.xml.bind</groupId><artifactId>jaxb-api</artifactId>
<version>2.3.1</version></dependency>
`
	d, err := openJars(ctx, "kcl-"+config.Version, artifact{group: "software.amazon.kinesis", name: "amazon-kinesis-client",
		version: config.Version, slf4j: "2.0.13", more: jaxb})
	if err != nil {
		return nil, fmt.Errorf("testenv: %w", err)
	}
	class, classes, err := d.program(ctx, kclWorker)
	if err != nil {
		return nil, fmt.Errorf("testenv: %w", err)
	}
	args := slices.Concat([]string{"-Xmx" + config.Heap, quick}, jvm, config.properties(),
		[]string{"-cp", d.classpath() + string(os.PathListSeparator) + classes, class})
	k, err := startKCL(exec.Command(d.java, args...), config.Log)
	if err != nil {
		return nil, fmt.Errorf("testenv: client library %s: %w", config.Version, err)
	}
	return k, nil
}

func startKCL(cmd *exec.Cmd, log io.Writer) (*KCL, error) {
	folder, err := os.MkdirTemp("", "streamport-kcl-")
	if err != nil {
		return nil, err
	}
	k := &KCL{runner: newRunner(), folder: folder, events: make(chan KCLEvent, 1<<10), ended: make(chan struct{})}
	k.stop = sync.OnceFunc(k.end)
	from, to, err := os.Pipe()
	if err != nil {
		k.Stop()
		return nil, err
	}
	cmd.Stdout = to
	err = k.start(cmd, k.logFile(), log)
	if err := errors.Join(err, to.Close()); err != nil { // the process has it now
		_ = from.Close() // nothing was read
		k.Stop()
		return nil, err
	}
	k.wg.Go(func() { k.read(from) })
	return k, nil
}

// RunKCL starts a worker and stops it when the test ends. It fails the test if it does not start.
func RunKCL(t testing.TB, config KCLConfig) *KCL {
	t.Helper()
	k, err := StartKCL(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(k.Logs())
		}
		k.Stop()
	})
	return k
}

// maxLine bounds a line: a record of 10 MiB in base64, with its key.
const maxLine = 16 << 20

// read turns the process's lines into events until it ends.
func (k *KCL) read(from *os.File) {
	defer close(k.events)
	defer func() { _ = from.Close() }() // it was only read
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		event, err := parseKCL(lines.Text())
		if err != nil {
			event = KCLEvent{Kind: "failed", Text: err.Error()}
		}
		event.At = time.Now()
		select {
		case k.events <- event:
		case <-k.ended:
			return
		}
	}
}

// parseKCL reads a line of KclWorker.java.
func parseKCL(line string) (KCLEvent, error) {
	fields := strings.Split(line, "\t")
	e := KCLEvent{Kind: fields[0]}
	switch {
	case e.Kind == "failed" && len(fields) == 2:
		e.Text = fields[1]
		return e, nil
	case e.Kind == "record" && len(fields) == 8:
		key, err1 := base64.StdEncoding.DecodeString(fields[4])
		data, err2 := base64.StdEncoding.DecodeString(fields[5])
		e.Key, e.Data, e.Aggregated, e.Hash = string(key), data, fields[6] == "true", fields[7]
		return e, errors.Join(err1, err2, e.at(fields[1:]))
	case e.Kind == "granted" && len(fields) == 4:
		return e, e.at(fields[1:])
	case len(fields) <= 2:
		e.Shard = strings.Join(fields[1:], "")
		return e, nil
	}
	return e, fmt.Errorf("a line of %d fields: %.80q", len(fields), line)
}

// at reads shard, sequence number and sub-sequence number.
func (e *KCLEvent) at(fields []string) (err error) {
	e.Shard, e.Sequence = fields[0], fields[1]
	e.Sub, err = strconv.ParseInt(fields[2], 10, 64)
	return err
}

// Next waits for the next event. After the last one of a worker that has ended it returns io.EOF.
func (k *KCL) Next(ctx context.Context) (KCLEvent, error) {
	select {
	case e, open := <-k.events:
		if !open {
			return KCLEvent{}, io.EOF
		}
		return e, nil
	case <-ctx.Done():
		return KCLEvent{}, context.Cause(ctx)
	}
}

// Until takes events up to the first for which done is true, and returns them all.
func (k *KCL) Until(ctx context.Context, done func(KCLEvent) bool) ([]KCLEvent, error) {
	var all []KCLEvent
	for {
		e, err := k.Next(ctx)
		if err != nil {
			return all, err
		}
		if all = append(all, e); done(e) {
			return all, nil
		}
	}
}

// Kill ends the worker by SIGKILL: it gives nothing back. Events that it had told of can still be taken.
func (k *KCL) Kill() error { return k.did("kill", k.kill()) }

// Terminate ends the worker by SIGTERM: it saves what it has handled, and keeps its leases until they expire. Its
// events must be taken meanwhile. After 30 s it is killed and that is an error.
func (k *KCL) Terminate() error { return k.did("terminate", k.terminate()) }

// Pause stops the worker by SIGSTOP; Resume lets it go on.
func (k *KCL) Pause() error { return k.did("pause", k.pause()) }

// Resume lets a paused worker go on.
func (k *KCL) Resume() error { return k.did("resume", k.resume()) }

func (k *KCL) did(what string, err error) error {
	if err != nil {
		return fmt.Errorf("testenv: %s client library: %w", what, err)
	}
	return nil
}

// Logs is the end of what the library logged.
func (k *KCL) Logs() string { return fmt.Sprintf("client library:\n%s\n", tailOfFile(k.logFile())) }

func (k *KCL) logFile() string { return filepath.Join(k.folder, "log") }

// Stop kills the worker and waits for its end. It may be called more than once.
func (k *KCL) Stop() { k.stop() }

func (k *KCL) end() {
	close(k.ended)
	_ = k.close() // the kernel refuses no SIGKILL to one's own child
	k.wg.Wait()
	_ = os.RemoveAll(k.folder) // what stays in the temporary folder harms nothing
}

package testenv

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Versions of what stands in for Kinesis and DynamoDB.
const (
	KinesisLocalVersion  = "0.6.2"
	KinesaliteVersion    = "3.3.3"
	DynamoDBLocalVersion = "2.6.1"
)

// KinesisConfig says how an emulator of Kinesis is started. The zero value works.
type KinesisConfig struct {
	// Shards is how many a region may have; default 500.
	Shards int
	// Delay is how long a stream is being made, changed or deleted; default 50 ms.
	Delay time.Duration
	// Log gets what the server writes, beside the file from which errors quote.
	Log io.Writer
}

func (c KinesisConfig) filled() (KinesisConfig, error) {
	if c.Shards == 0 {
		c.Shards = 500
	}
	if c.Delay == 0 {
		c.Delay = 50 * time.Millisecond
	}
	if c.Shards < 0 || c.Delay < 0 {
		return c, fmt.Errorf("testenv: %d shards after %v", c.Shards, c.Delay)
	}
	return c, nil
}

// StartKinesis starts kinesis-local, the more complete emulator: it knows enhanced fan-out, on-demand streams and
// CBOR, and has an HTTPS port. It neither limits nor trims. SubscribeToShard lacks the first frame that the Go SDK
// waits for: package httpfault adds it.
func StartKinesis(ctx context.Context, config KinesisConfig) (*Emulator, error) {
	config, err := config.filled()
	if err != nil {
		return nil, err
	}
	node, folder, err := openPackage(ctx, "kinesis-local", KinesisLocalVersion)
	if err != nil {
		return nil, fmt.Errorf("testenv: %w", err)
	}
	return startEmulator(ctx, "kinesis-local", 2, config.Log, func(ports []int) *exec.Cmd {
		cmd := exec.Command(node, "main.js")
		cmd.Dir = folder // it reads its certificate there
		cmd.Env = append(os.Environ(), "KINESIS_MOCK_PLAIN_PORT="+strconv.Itoa(ports[0]),
			"KINESIS_MOCK_TLS_PORT="+strconv.Itoa(ports[1]), "SHARD_LIMIT="+strconv.Itoa(config.Shards), "LOG_LEVEL=WARN")
		for _, what := range kinesisDelays {
			cmd.Env = append(cmd.Env, fmt.Sprintf("%s_DURATION=%dms", what, config.Delay.Milliseconds()))
		}
		return cmd
	})
}

// kinesisDelays are the operations of kinesis-local that take time.
var kinesisDelays = [...]string{"CREATE_STREAM", "DELETE_STREAM", "REGISTER_STREAM_CONSUMER", "START_STREAM_ENCRYPTION",
	"STOP_STREAM_ENCRYPTION", "DEREGISTER_STREAM_CONSUMER", "MERGE_SHARDS", "SPLIT_SHARD", "UPDATE_SHARD_COUNT",
	"UPDATE_STREAM_MODE"}

// RunKinesis starts kinesis-local and stops it when the test ends. It fails the test if it does not start.
func RunKinesis(t testing.TB, config KinesisConfig) *Emulator {
	t.Helper()
	e, err := StartKinesis(t.Context(), config)
	return e.run(t, err)
}

// StartKinesalite starts the older emulator: it trims by retention and refuses what is too large.
func StartKinesalite(ctx context.Context, config KinesisConfig) (*Emulator, error) {
	config, err := config.filled()
	if err != nil {
		return nil, err
	}
	node, folder, err := openPackage(ctx, "kinesalite", KinesaliteVersion)
	if err != nil {
		return nil, fmt.Errorf("testenv: %w", err)
	}
	return startEmulator(ctx, "kinesalite", 1, config.Log, func(ports []int) *exec.Cmd {
		delay := strconv.FormatInt(config.Delay.Milliseconds(), 10)
		return exec.Command(node, filepath.Join(folder, "cli.js"), "--port", strconv.Itoa(ports[0]),
			"--shardLimit", strconv.Itoa(config.Shards), "--createStreamMs", delay, "--deleteStreamMs", delay,
			"--updateStreamMs", delay)
	})
}

// RunKinesalite starts kinesalite and stops it when the test ends. It fails the test if it does not start.
func RunKinesalite(t testing.TB, config KinesisConfig) *Emulator {
	t.Helper()
	e, err := StartKinesalite(t.Context(), config)
	return e.run(t, err)
}

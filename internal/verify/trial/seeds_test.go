package trial_test

import (
	"bufio"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/env/mem"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/internal/verify/trial"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// failed shows a seed that failed, with the line that replays it.
func failed(t *testing.T, tr trial.Trial, r trial.Result) {
	t.Helper()
	t.Errorf("seed %d: %v\nreplay: go -C internal/verify run ./cmd/verify -replay '%v'",
		tr.Plan.Seed, r.Report.Err(), trial.KeptOf(tr, tr.Opener))
}

func TestSeedsHaveNoAnomaly(t *testing.T) {
	tally, took := trial.Seeds{
		Count: 1500, Commit: "a commit", Failed: func(tr trial.Trial, r trial.Result) { failed(t, tr, r) },
	}.Run(t)
	t.Log(tally.Text(took))
	if why := tally.Failure(); why != "" {
		t.Error(why)
	}
}

func TestKeptSeedsHaveNoAnomaly(t *testing.T) {
	files, err := filepath.Glob("testdata/seeds/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("the kept seeds: %v, %d files", err, len(files))
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "#") {
				continue
			}
			k, err := trial.ParseKept(lines.Text())
			if err != nil {
				t.Fatal(err)
			}
			tr := k.Trial()
			if k.String() != strings.TrimSpace(strings.Split(lines.Text(), "#")[0]) {
				t.Errorf("%q is kept as %q", lines.Text(), k)
			}
			if r := tr.Run(t); r.Failed() {
				failed(t, tr, r)
			}
		}
		_ = f.Close() // it was only read
	}
}

func TestSameSeedGivesSameHistory(t *testing.T) {
	tally, _ := trial.Seeds{Count: 600, Every: 1}.Run(t)
	if why := tally.Failure(); tally.Repeated < 100 || why != "" {
		t.Errorf("%d seeds ran twice: %s", tally.Repeated, why)
	}
}

// unsteady is an environment with a choice that is not the seed's.
type unsteady struct{ mem.Profile }

func (u unsteady) Open(ctx context.Context, s env.Settings) (env.Env, error) {
	s.Wrap = func(b stream.Backend) stream.Backend { return &late{Backend: b} }
	return u.Profile.Open(ctx, s)
}

type late struct{ stream.Backend }

func (l *late) OpenSink(ctx context.Context, c stream.SinkConfig) (stream.Sink, error) {
	time.Sleep(time.Duration(rand.IntN(1_000_000)))
	return l.Backend.OpenSink(ctx, c)
}

func TestDeterminismTestCanFail(t *testing.T) {
	tally, _ := trial.Seeds{Count: 100, Every: 1, Of: func(seed uint64) trial.Trial {
		tr := trial.Memory(seed)
		tr.Opener = unsteady{tr.Opener.(mem.Profile)}
		return tr
	}}.Run(t)
	if tally.Repeated == 0 || !strings.Contains(tally.Failure(), "another history") {
		t.Errorf("%d seeds ran twice, and %d differed, although something else than the seed decides", tally.Repeated, tally.Diverged)
	}
}

func TestTooLittleIsNoProof(t *testing.T) {
	tally, _ := trial.Seeds{Count: 3}.Run(t)
	if why := tally.Failure(); !strings.Contains(why, "met too little") {
		t.Errorf("three seeds pass for a proof: %q", why)
	}
}

func TestShrinkKeepsWhatMatters(t *testing.T) {
	s, err := fault.Parse("crash@1::0,trim@2:all:1,split@3::0,leave@4::0,expel@5::2,pause@6:20ms:1")
	if err != nil {
		t.Fatal(err)
	}
	small := fault.Shrink(s, func(s fault.Script) bool { return s.Has(fault.Trim) && s.Has(fault.Expel) })
	if got := small.String(); got != "trim@2:all:1,expel@5::2" {
		t.Errorf("the script shrinks to %s", got)
	}
}

func TestTraitsAreWhatMemoryDeclares(t *testing.T) {
	for _, profile := range []memory.Profile{memory.Kafka, memory.Kinesis, memory.Strict} {
		b, err := memory.Open(t.Context(), memory.Config{Profile: profile, Streams: []stream.StreamConfig{{Name: "s"}}})
		if err != nil {
			t.Fatal(err)
		}
		c, err := b.Capabilities(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		traits := mem.Profile{Profile: profile}.Traits()
		has := func(f stream.Flag) bool { return f.Support > stream.None }
		have := env.Traits{
			Headers: has(c.Headers), Tombstones: has(c.Tombstones), NilKeys: has(c.NilKeys), EventTime: has(c.EventTime),
			Transactions: has(c.Transactions), RecordBytes: traits.RecordBytes, Level: traits.Level,
		}
		have.Level.KeyOrder, have.Level.Fencing, have.Level.Idempotent = has(c.KeyOrder), has(c.Fencing), has(c.IdempotentProduce)
		if have != traits {
			t.Errorf("%v: the environment says %+v, the backend %+v", profile, traits, have)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

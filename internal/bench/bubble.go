package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
)

// bubbleRunner is the role of a process that runs one of bubbles: its arguments are the name, the seed and whether it is a
// smoke run. Time in a bubble is virtual, and a bubble needs a *testing.T, whose runner ends the process.
const bubbleRunner = "bubble"

// bubbleMark is what stands before the figures that a bubble finds.
const bubbleMark = "figures "

// A bubble is something that is measured in virtual time. What it finds goes by name.
type bubble func(b bubbleOptions) (map[string]float64, error)

type bubbleOptions struct {
	seed  uint64
	smoke bool
}

func runBubble(args []string, _ io.Reader, out io.Writer) error {
	if len(args) != 3 || bubbles[args[0]] == nil {
		return errors.New("a bubble needs its name, a seed, and true or false")
	}
	seed, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	smoke, err := strconv.ParseBool(args[2])
	if err != nil {
		return err
	}
	os.Args = os.Args[:1] // testing reads them
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{
		Name: args[0], F: func(t *testing.T) { inBubble(t, bubbles[args[0]], bubbleOptions{seed, smoke}, out) },
	}}, nil, nil)
	return nil
}

func inBubble(t *testing.T, run bubble, o bubbleOptions, out io.Writer) {
	synctest.Test(t, func(t *testing.T) {
		found, err := run(o)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(found)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(out, "%s%s\n", bubbleMark, text); err != nil {
			t.Fatal(err)
		}
	})
}

// repeatBubble runs a bubble in processes of its own, with one seed after the other, and gathers the figures.
func (l *lab) repeatBubble(ctx context.Context, name string) (map[string]Sample, error) {
	samples := map[string]Sample{}
	for rep := range l.Repetitions {
		l.progress(fmt.Sprintf("repetition %d of %d: %s", rep+1, l.Repetitions, name))
		found, err := callBubble(ctx, name, bubbleOptions{seed: uint64(rep), smoke: l.Smoke})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for figure, value := range found {
			samples[figure] = append(samples[figure], value)
		}
	}
	return samples, nil
}

func callBubble(ctx context.Context, name string, o bubbleOptions) (found map[string]float64, err error) {
	c, err := startChild(ctx, bubbleRunner, name, strconv.FormatUint(o.seed, 10), strconv.FormatBool(o.smoke))
	if err != nil {
		return nil, err
	}
	text, err := c.hear(bubbleMark)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, c.lines); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return found, errors.Join(json.Unmarshal([]byte(text), &found), c.stop())
}

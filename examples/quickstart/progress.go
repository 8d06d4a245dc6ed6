package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A progress shows on a terminal how far the program is. A nil progress, for any other output, shows nothing. Methods
// may be called from many goroutines. That a terminal cannot be drawn on is no reason to stop, so errors are left
// aside.
type progress struct {
	bar *progressbar.ProgressBar
}

// newProgress draws on w if that is a terminal: up to total events.
func newProgress(w io.Writer, total int) *progress {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return drawProgress(w, total)
}

func drawProgress(w io.Writer, total int) *progress {
	return &progress{bar: progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(50*time.Millisecond),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
	)}
}

// say tells what the program is doing.
func (p *progress) say(what string) {
	if p != nil {
		p.bar.Describe(what)
	}
}

// show tells how many events are handled.
func (p *progress) show(handled int) {
	if p != nil {
		_ = p.bar.Set(handled)
	}
}

// clear leaves the line empty.
func (p *progress) clear() {
	if p != nil {
		_ = p.bar.Clear()
	}
}

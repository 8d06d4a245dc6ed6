//go:build servers

package kinesis_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// memberVariable says in JSON which member a process of this test program is to be.
const memberVariable = "STREAMPORT_INTEROP_MEMBER"

// told marks the lines in which a member's process tells what it does.
const toldMark = "told\t"

// A membership is what a member's process must know.
type membership struct {
	Name, Stream, App string
	Way               [2]string
}

// TestInteropMember is a member in a process of its own where a test asks for one, and nothing otherwise.
func TestInteropMember(t *testing.T) {
	text := os.Getenv(memberVariable)
	if text == "" {
		return
	}
	var m membership
	require.NoError(t, json.Unmarshal([]byte(text), &m))
	i := &interop{stream: m.Stream, app: m.App, way: m.Way}
	var mu sync.Mutex // guards the output
	w := &goWorker{i: i, name: m.Name, every: 20, slow: handling, backend: openConfig(t, i.config(t)), tell: func(e happening) {
		at, err := e.at.MarshalText()
		require.NoError(t, err)
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf("%s%s\t%s\t%s\t%s\t%s\n", toldMark, e.kind, e.shard, at, e.key, e.value)
	}}
	require.NoError(t, w.consumer(t).Run(t.Context(), w.handle))
}

// A goProcess is a member of this library's in a process of its own.
type goProcess struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended and all that it told is known
}

// goStarts starts a member in a process of its own.
func (i *interop) goStarts(t *testing.T, name string) *goProcess {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	text, err := json.Marshal(membership{name, i.stream, i.app, i.way})
	require.NoError(t, err)
	p := &goProcess{cmd: exec.Command(self, "-test.run=^TestInteropMember$"), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), memberVariable+"="+string(text))
	p.cmd.Stderr = t.Output()
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fields := strings.Split(strings.TrimPrefix(lines.Text(), toldMark), "\t")
			if !strings.HasPrefix(lines.Text(), toldMark) || len(fields) != 5 {
				t.Log(name + ": " + lines.Text())
				continue
			}
			var at stream.Position
			if err := at.UnmarshalText([]byte(fields[2])); err != nil {
				t.Error(err)
			}
			i.add(happening{fields[0], name, fields[1], at, fields[3], fields[4]})
		}
	}()
	t.Cleanup(p.kill)
	return p
}

// kill ends the process by SIGKILL, and returns when all that it had told is known.
func (p *goProcess) kill() {
	_ = p.cmd.Process.Kill() // it has ended if that fails
	<-p.done
	_ = p.cmd.Wait() // it was killed
}

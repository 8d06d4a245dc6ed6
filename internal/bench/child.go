package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A role is what this program does as a child of itself: what must not be counted with the process that is measured, or
// needs one of its own. It says what it has to say on out, and ends when in does.
type role func(args []string, in io.Reader, out io.Writer) error

// roles are by the child's first argument.
var roles = map[string]role{
	kinesisServer: serveKinesis,
	bubbleRunner:  runBubble,
}

// actAsChild plays the role that the arguments name; mine is false if they name none.
func actAsChild(args []string) (mine bool, err error) {
	if len(args) == 0 || roles[args[0]] == nil {
		return false, nil
	}
	return true, roles[args[0]](args[1:], os.Stdin, os.Stdout)
}

// childTime bounds how long a child may take to end when it is told to.
const childTime = 10 * time.Second

// A child is a running process of this program.
type child struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	lines   *bufio.Reader
}

// startChild starts this program in a role.
func startChild(ctx context.Context, args ...string) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{command: exec.CommandContext(ctx, program, args...)}
	c.command.Stderr, c.command.WaitDelay = os.Stderr, childTime
	if c.stdin, err = c.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.lines = bufio.NewReader(out)
	return c, c.command.Start()
}

// hear returns the rest of the first line that begins with the mark. If none comes, the error has what came.
func (c *child) hear(mark string) (string, error) {
	var heard strings.Builder
	for {
		line, err := c.lines.ReadString('\n')
		heard.WriteString(line)
		if rest, ok := strings.CutPrefix(line, mark); ok {
			return strings.TrimSpace(rest), nil
		}
		if err != nil {
			return "", fmt.Errorf("process %s: %w", c.command.Args[1], errors.Join(err, c.stop(), errors.New(heard.String())))
		}
	}
}

// stop has the child end, and waits for it.
func (c *child) stop() error {
	return errors.Join(c.stdin.Close(), c.command.Wait())
}

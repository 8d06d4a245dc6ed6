package testenv

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
)

// jvm are the flags of every JVM: they shorten its start and keep the log short. Nodes that cannot reach each other
// would fill it with that.
var jvm = []string{"-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xshare:auto", "-Djava.awt.headless=true",
	"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
	"-Dorg.slf4j.simpleLogger.log.org.apache.kafka.clients.NetworkClient=error"}

// quick keeps the JVM to its fast compiler, which costs peak speed.
const quick = "-XX:TieredStopAtLevel=1"

// serverArgs are the arguments of java for a node, without the path of its properties.
func (c *Cluster) serverArgs(more []string) []string {
	args := slices.Concat([]string{"-Xmx" + c.config.Heap}, c.flags, more)
	if !c.config.Fast {
		args = append(args, quick)
	}
	return append(args, "-cp", c.dist.classpath(), "kafka.Kafka")
}

// toolArgs are the arguments of java for a short program, up to its class.
func (c *Cluster) toolArgs(heap, classpath string) []string {
	return slices.Concat([]string{"-Xmx" + heap, quick}, c.flags, []string{"-cp", classpath})
}

// format prepares the nodes' data folders. One is formatted; the others are copies with an identity of their own, which
// saves two starts of a JVM.
func (c *Cluster) format(ctx context.Context) error {
	first := c.nodes[0]
	args := append(c.toolArgs("64m", c.dist.classpath()), "kafka.tools.StorageTool", "format",
		"-t", identity(), "-c", first.properties())
	for name, level := range c.config.Features {
		args = append(args, "--feature", fmt.Sprintf("%s=%d", name, level))
	}
	if c.config.Secure {
		args = append(args, scramArgs()...)
	}
	if _, err := output(ctx, exec.CommandContext(ctx, c.dist.java, args...)); err != nil {
		return fmt.Errorf("format: %w", err)
	}
	for _, n := range c.nodes[1:] {
		if err := os.CopyFS(n.data(), os.DirFS(first.data())); err != nil {
			return fmt.Errorf("format: %w", err)
		}
		if err := rename(filepath.Join(n.data(), "meta.properties"), n.id); err != nil {
			return fmt.Errorf("format: %w", err)
		}
	}
	return nil
}

var (
	nodeLine      = regexp.MustCompile(`(?m)^node\.id=.*$`)
	directoryLine = regexp.MustCompile(`(?m)^directory\.id=.*$`)
)

// rename gives a copied folder the identity of another node.
func rename(path string, id int) error {
	meta, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	meta = nodeLine.ReplaceAll(meta, fmt.Appendf(nil, "node.id=%d", id))
	meta = directoryLine.ReplaceAll(meta, []byte("directory.id="+identity()))
	return os.WriteFile(path, meta, 0o644)
}

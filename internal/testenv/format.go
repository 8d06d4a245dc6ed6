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
func (d *dist) serverArgs(c Config, flags []string) []string {
	args := slices.Concat([]string{"-Xmx" + c.Heap}, jvm, flags)
	if !c.Fast {
		args = append(args, quick)
	}
	return append(args, "-cp", d.classpath(), "kafka.Kafka")
}

// format prepares the nodes' data folders. One is formatted; the others are copies with an identity of their own, which
// saves two starts of a JVM.
func (c *Cluster) format(ctx context.Context) error {
	first := c.nodes[0]
	args := append([]string{"-Xmx64m", quick}, jvm...)
	args = append(args, "-cp", c.dist.classpath(), "kafka.tools.StorageTool", "format",
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

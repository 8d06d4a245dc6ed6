package testenv

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

var className = regexp.MustCompile(`(?m)^(?:public )?(?:final )?class (\w+)`)

// RunJava runs a Java program of one file, given as its text, with args, and returns what it wrote to its standard
// output. It sees the jars of the cluster's version, so also Kafka's own client. The class of its main method is the
// first one that begins a line. Programs are compiled once and kept by their content. The program ends with ctx.
func (c *Cluster) RunJava(ctx context.Context, source string, args ...string) ([]byte, error) {
	class, folder, err := c.dist.program(ctx, source)
	if err != nil {
		return nil, fmt.Errorf("testenv: %w", err)
	}
	// The program's classes come last: the archive is valid for the jars and what follows them.
	all := append(c.toolArgs("256m", c.dist.classpath()+string(os.PathListSeparator)+folder), class)
	out, err := output(ctx, exec.CommandContext(ctx, c.dist.java, append(all, args...)...))
	if err != nil {
		return out, fmt.Errorf("testenv: program %s: %w", class, err)
	}
	return out, nil
}

// program returns the main class of a Java program of one file and the folder of its classes, compiled once.
func (d *dist) program(ctx context.Context, source string) (class, folder string, err error) {
	found := className.FindStringSubmatch(source)
	if found == nil {
		return "", "", errors.New("no class begins a line of the java program")
	}
	key := sha256.Sum256([]byte(d.classpath() + "\n" + source))
	folder = filepath.Join(d.cache, fmt.Sprintf("%s-program-%x", d.name, key[:8]))
	err = ensure(ctx, folder, func(ctx context.Context, into string) error {
		return d.compile(ctx, found[1], source, into)
	})
	return found[1], folder, err
}

// compile puts the classes of a program into a folder.
func (d *dist) compile(ctx context.Context, class, source, into string) error {
	javac, err := tool("javac")
	if err != nil {
		return err
	}
	file := filepath.Join(into, class+".java")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		return err
	}
	_, err = output(ctx, exec.CommandContext(ctx, javac, "-nowarn", "-cp", d.classpath(), "-d", into, file))
	return err
}

package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// cacheVariable names the environment variable that says where jars and compiled programs are kept.
const cacheVariable = "STREAMPORT_TESTENV_CACHE"

// fetchLimit bounds the download of one distribution, at most 130 MB.
const fetchLimit = 5 * time.Minute

// dist is the set of jars of one version of something.
type dist struct {
	cache string // folder of all
	name  string // in the cache
	java  string // the java program
	jars  []string
}

// openDist returns the jars of a version of Kafka, fetched by Maven where the cache does not have them.
func openDist(ctx context.Context, version string) (*dist, error) {
	return openJars(ctx, version, artifact{group: "org.apache.kafka", name: "kafka_2.13", version: version, slf4j: "1.7.36"})
}

// openJars returns the jars that an artifact needs to run. They are kept under name.
func openJars(ctx context.Context, name string, a artifact) (*dist, error) {
	java, err := tool("java")
	if err != nil {
		return nil, err
	}
	cache, err := cacheFolder()
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(cache, name)
	if err := ensure(ctx, folder, a.fetch); err != nil {
		return nil, fmt.Errorf("jars of %s %s: %w", a.name, a.version, err)
	}
	jars, err := filepath.Glob(filepath.Join(folder, "*.jar"))
	if err != nil {
		return nil, err
	}
	slices.Sort(jars) // an archive of classes is valid for one order only
	return &dist{cache: cache, name: name, java: java, jars: jars}, nil
}

func (d *dist) classpath() string { return strings.Join(d.jars, string(os.PathListSeparator)) }

// tool finds a program of the JDK, in JAVA_HOME before the path.
func tool(name string) (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		if path, err := exec.LookPath(filepath.Join(home, "bin", name)); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("real servers need a JDK of at least 17: %w", err)
	}
	return path, nil
}

func cacheFolder() (string, error) {
	if folder := os.Getenv(cacheVariable); folder != "" {
		return filepath.Abs(folder)
	}
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, "streamport", "kafka"), nil
}

// ensure makes folder by build, once over all processes. It is built under another name and renamed, so that an
// interrupted build never looks finished.
func ensure(ctx context.Context, folder string, build func(context.Context, string) error) error {
	if complete(folder) {
		return nil
	}
	parent := filepath.Dir(folder)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	unlock, err := lock(ctx, folder+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if complete(folder) {
		return nil
	}
	temporary, err := os.MkdirTemp(parent, filepath.Base(folder)+".tmp-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temporary) }() // nothing is left of it after the rename
	if err := build(ctx, temporary); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(temporary, ".complete"), nil, 0o644); err != nil {
		return err
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.Rename(temporary, folder); err != nil && !complete(folder) {
		return err
	}
	return nil
}

func complete(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, ".complete"))
	return err == nil
}

// output runs cmd and returns its standard output. An error carries the end of what the program wrote.
func output(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = childAttributes()
	cmd.WaitDelay = time.Second // a child of cmd may keep its output open
	err := locked(func() error { return cmd.Run() })
	if err == nil {
		return out.Bytes(), nil
	}
	if cause := context.Cause(ctx); cause != nil {
		err = errors.Join(err, cause)
	}
	return out.Bytes(), fmt.Errorf("%s: %w\n%s%s", filepath.Base(cmd.Path), err, tail(out.Bytes()), tail(errs.Bytes()))
}

// tailSize is how many bytes of a log an error quotes.
const tailSize = 4 << 10

func tail(log []byte) []byte {
	return log[max(0, len(log)-tailSize):]
}

func tailOfFile(path string) []byte {
	log, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return []byte(err.Error())
	}
	return tail(log)
}

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

// fetchLimit bounds the download of one version, about 50 MB.
const fetchLimit = 5 * time.Minute

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>testenv</groupId><artifactId>kafka-dist</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>%s</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
`

// dist is the set of jars of one version.
type dist struct {
	cache   string // folder of all versions
	version string
	java    string // the java program
	jars    []string
}

// openDist returns the jars of version, fetched by Maven where the cache does not have them.
func openDist(ctx context.Context, version string) (*dist, error) {
	java, err := tool("java")
	if err != nil {
		return nil, err
	}
	cache, err := cacheFolder()
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(cache, version)
	if err := ensure(ctx, folder, func(ctx context.Context, into string) error { return fetch(ctx, version, into) }); err != nil {
		return nil, fmt.Errorf("jars of kafka %s: %w", version, err)
	}
	jars, err := filepath.Glob(filepath.Join(folder, "*.jar"))
	if err != nil {
		return nil, err
	}
	slices.Sort(jars) // an archive of classes is valid for one order only
	return &dist{cache: cache, version: version, java: java, jars: jars}, nil
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
		return "", fmt.Errorf("real brokers need a JDK of at least 17: %w", err)
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

// fetch copies the jars of version into a folder by Maven.
func fetch(ctx context.Context, version, into string) error {
	maven, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("the jars come by Maven: %w", err)
	}
	project, err := os.MkdirTemp("", "streamport-pom-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(project) }() // a temporary folder that stays harms nothing
	if err := os.WriteFile(filepath.Join(project, "pom.xml"), fmt.Appendf(nil, pom, version), 0o644); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, maven, "-q", "-B", "-Dstyle.color=never",
		"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+into)
	cmd.Dir = project
	_, err = output(ctx, cmd)
	return err
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

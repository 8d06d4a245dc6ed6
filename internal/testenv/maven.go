package testenv

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// pom is a project that depends on an artifact, and on what writes its log to standard error without configuration.
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>testenv</groupId><artifactId>dist</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>%s</version></dependency>
%s</dependencies></project>
`

// artifact is something that Maven has.
type artifact struct {
	group, name, version string
	slf4j                string // the version of the log's interface that it uses
	more                 string // dependencies that it does not name, as XML
}

// fetch copies the artifact's jars, with all that they depend on, into a folder by Maven.
func (a artifact) fetch(ctx context.Context, into string) error {
	maven, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("the jars come by Maven: %w", err)
	}
	project, err := os.MkdirTemp("", "streamport-pom-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(project) }() // a temporary folder that stays harms nothing
	text := fmt.Appendf(nil, pom, a.group, a.name, a.version, a.slf4j, a.more)
	if err := os.WriteFile(filepath.Join(project, "pom.xml"), text, 0o644); err != nil {
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

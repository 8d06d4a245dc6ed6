package testenv

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// archive returns the archive of loaded classes with which a JVM starts in half the time. It is made once for each JVM
// and set of jars, by a broker that starts and ends in order. The path is empty where the JVM made none; one that does
// not fit is ignored by the JVM.
func (d *dist) archive(ctx context.Context) (string, error) {
	java, err := filepath.EvalSymlinks(d.java)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(java)
	if err != nil {
		return "", err
	}
	key := sha256.Sum256(fmt.Append(nil, java, info.Size(), info.ModTime().UnixNano(), d.jars))
	folder := filepath.Join(d.cache, fmt.Sprintf("%s-classes-%x", d.name, key[:8]))
	if err := ensure(ctx, folder, d.train); err != nil {
		return "", fmt.Errorf("archive of classes: %w", err)
	}
	path := filepath.Join(folder, archiveFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return path, nil
}

const archiveFile = "kafka.jsa"

// train runs a broker whose JVM writes the archive into a folder when it ends.
func (d *dist) train(ctx context.Context, into string) error {
	config, err := Config{Version: d.name}.filled()
	if err != nil {
		return err
	}
	c, err := start(ctx, config, d, jvm, "-XX:ArchiveClassesAtExit="+filepath.Join(into, archiveFile))
	if err != nil {
		return err
	}
	defer c.Stop()
	return c.Terminate(1)
}

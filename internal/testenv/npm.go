package testenv

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// openPackage returns the folder of a version of an npm package, fetched where the cache does not have it, and the node
// program that runs it. No script of a package is run.
func openPackage(ctx context.Context, name, version string) (node, folder string, err error) {
	if node, err = exec.LookPath("node"); err != nil {
		return "", "", fmt.Errorf("the emulator runs in node: %w", err)
	}
	cache, err := cacheFolder()
	if err != nil {
		return "", "", err
	}
	root := filepath.Join(cache, name+"-"+version)
	err = ensure(ctx, root, func(ctx context.Context, into string) error {
		npm, err := exec.LookPath("npm")
		if err != nil {
			return fmt.Errorf("the emulator comes by npm: %w", err)
		}
		ctx, cancel := context.WithTimeout(ctx, fetchLimit)
		defer cancel()
		_, err = output(ctx, exec.CommandContext(ctx, npm, "install", "--prefix", into, "--ignore-scripts", "--no-audit",
			"--no-fund", "--no-update-notifier", name+"@"+version))
		return err
	})
	if err != nil {
		return "", "", fmt.Errorf("package %s %s: %w", name, version, err)
	}
	return node, filepath.Join(root, "node_modules", name), nil
}

//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package stream

import "os"

const readersLock = false

// tryLock refuses: without a lock that a dead process gives back, two processes could overwrite each other.
func tryLock(*os.File) (taken bool, err error) {
	return false, unsupported("this system has no file locks; keep checkpoints in a database")
}

func syncDir(string) error { return nil }

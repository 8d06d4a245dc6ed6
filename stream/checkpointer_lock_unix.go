//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package stream

import (
	"errors"
	"os"
	"syscall"
)

// readersLock: a file can be replaced under its readers, they need no lock.
const readersLock = false

// tryLock takes the exclusive lock of an open file without waiting. Closing the file gives it back.
func tryLock(file *os.File) (taken bool, err error) {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, os.NewSyscallError("flock", err)
		}
	}
}

// syncDir makes a rename in dir survive a crash of the machine.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

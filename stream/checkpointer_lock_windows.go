package stream

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

// readersLock: a file that somebody reads cannot be replaced, so readers take the lock too.
const readersLock = true

// tryLock takes the exclusive lock of an open file without waiting. Closing the file gives it back.
func tryLock(file *os.File) (taken bool, err error) {
	const (
		exclusive     = 2  // LOCKFILE_EXCLUSIVE_LOCK
		immediately   = 1  // LOCKFILE_FAIL_IMMEDIATELY
		lockViolation = 33 // ERROR_LOCK_VIOLATION
	)
	lock := syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")
	if err := lock.Find(); err != nil {
		return false, err
	}
	var at syscall.Overlapped
	ok, _, err := lock.Call(file.Fd(), exclusive|immediately, 0, 1, 0, uintptr(unsafe.Pointer(&at)))
	switch {
	case ok != 0:
		return true, nil
	case errors.Is(err, syscall.Errno(lockViolation)), errors.Is(err, syscall.ERROR_IO_PENDING):
		return false, nil
	}
	return false, os.NewSyscallError("LockFileEx", err)
}

// syncDir does nothing: Windows has no flush of a directory; its file systems journal a rename.
func syncDir(string) error { return nil }

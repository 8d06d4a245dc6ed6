//go:build unix && !linux

package testenv

import "syscall"

// childAttributes keeps a signal for this process's group away from a child. The system cannot end the child with its
// parent.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

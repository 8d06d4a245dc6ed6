package testenv

import "syscall"

// childAttributes keeps a signal for this process's group, such as an interrupt from the terminal, away from a child,
// and kills the child when the thread that started it ends.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

package field

import "syscall"

// ownGroup keeps a terminal's signals from workers, and ends them with the process that started them.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

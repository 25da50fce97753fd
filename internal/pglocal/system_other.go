//go:build unix && !linux

package pglocal

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// These systems are designed for, not supported: the package has been run on Linux only.

// hold starts the program and waits for it. There is no death signal here: a shell waits for the end of a pipe that
// this program alone holds open, and then sends the signal.
func (c *command) hold(death syscall.Signal, started, ended func(error)) {
	read, write, err := os.Pipe()
	if err != nil {
		started(err)
		return
	}
	defer write.Close()
	if err = c.Start(); err != nil {
		read.Close()
		started(err)
		return
	}
	watch := exec.Command("/bin/sh", "-c", `trap '' INT TERM HUP; read -r _; kill -"$1" "$2"`, "sh",
		strconv.Itoa(int(death)), strconv.Itoa(c.Process.Pid))
	watch.Stdin = read
	watch.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = watch.Start()
	read.Close()
	if err != nil {
		_ = c.Process.Kill()
		_ = c.Wait()
		started(err)
		return
	}
	started(nil)
	err = c.Wait()
	// Before the pipe is closed: its end would send a signal to whoever has the number by then.
	_ = watch.Process.Kill()
	_ = watch.Wait()
	ended(err)
}

func descriptorPaths() bool { return false }

func (p path) name(int) string { return p.real }

// serverProcesses is the first process, as far as its process id file can be believed.
func serverProcesses(data string) []int {
	pid := postmaster(data)
	if pid <= 1 || pid == os.Getpid() || syscall.Kill(pid, 0) != nil {
		return nil
	}
	return []int{pid}
}

// signalServer does nothing: without a look at the process, its number may be anybody's by now. The shell has told it.
func signalServer(string, []int, syscall.Signal) {}

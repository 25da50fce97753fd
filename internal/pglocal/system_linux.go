package pglocal

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// hold starts the program and waits for it on a thread of its own, which lives as long as the program: the death
// signal comes when the *thread* that forked ends, so that it must be one that ends with us and not before.
func (c *command) hold(death syscall.Signal, started, ended func(error)) {
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine, after the program
	c.SysProcAttr.Pdeathsig = death
	err := c.Start()
	started(err)
	if err == nil {
		ended(c.Wait())
	}
}

// descriptorPaths says whether an inherited descriptor can be named as a path.
func descriptorPaths() bool {
	_, err := os.Stat("/proc/self/fd")
	return err == nil
}

func (p path) name(descriptor int) string {
	if p.file == nil {
		return p.real
	}
	return "/proc/self/fd/" + strconv.Itoa(descriptor)
}

// serverProcesses lists the processes of PostgreSQL that work in a data folder: each of them has it as its working
// folder, whatever path it was told.
func serverProcesses(data string) []int {
	want, err := os.Stat(data)
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// Processes of other accounts cannot be looked at; none of them is ours.
		exe, err := os.Readlink(filepath.Join("/proc", e.Name(), "exe"))
		if err != nil || filepath.Base(strings.TrimSuffix(exe, " (deleted)")) != "postgres" {
			continue
		}
		cwd, err := os.Stat(filepath.Join("/proc", e.Name(), "cwd"))
		if err == nil && os.SameFile(cwd, want) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// signalServer sends a polite signal to the first process, which tells the others, and a deadly one to all.
func signalServer(data string, pids []int, sig syscall.Signal) {
	first := postmaster(data)
	for _, pid := range pids {
		if pid == first || sig == syscall.SIGKILL {
			// It may just have ended; whether it has is looked at again anyway.
			_ = syscall.Kill(pid, sig)
		}
	}
}

package pglocal

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// takeOver makes the folder ready for a server of ours, whatever became of the program before: a cluster half made
// is thrown away, a server that still runs is ended, its process id file is disarmed. The lock is held, so that no
// other program can be in the middle of the same.
func (s *Server) takeOver(ctx context.Context) error {
	if err := s.evict(ctx, s.home.in(makingName)); err != nil {
		return err
	}
	if err := os.RemoveAll(s.home.in(makingName)); err != nil {
		return failPath(s.home.path, err)
	}
	data := s.home.in(dataName)
	info, err := os.Lstat(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return failPath(data, err)
	}
	if uid := owner(info); uid != ownerID(s.account) {
		return fail(CodeOwner, nil, data, uid, ownerID(s.account))
	}
	if err := s.evict(ctx, data); err != nil {
		return err
	}
	return disarm(data)
}

// evict ends the processes of a server that outlived its program. They have been told already by the death of the
// program; here they are told again, more firmly each time, and waited for. Ending them in any way loses nothing
// that was committed.
func (s *Server) evict(ctx context.Context, data string) error {
	started := time.Now()
	told := syscall.Signal(0)
	for {
		pids := serverProcesses(data)
		if len(pids) == 0 {
			return nil
		}
		waited := time.Since(started)
		sig := syscall.SIGINT
		switch {
		case waited > 15*time.Second:
			return fail(CodeStillRunning, nil, pids)
		case waited > 10*time.Second:
			sig = syscall.SIGKILL
		case waited > 5*time.Second:
			sig = syscall.SIGQUIT
		}
		if sig != told {
			told = sig
			s.opt.Log.Warn("ending the PostgreSQL of a program that was killed", "processes", pids, "signal", sig.String())
			signalServer(data, pids, sig)
		}
		select {
		case <-ctx.Done():
			return fail(CodeStillRunning, ctx.Err(), pids)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// postmaster is the process id in the server's process id file, 0 if there is none.
func postmaster(data string) int {
	root, err := os.OpenRoot(data)
	if err != nil {
		return 0
	}
	defer root.Close()
	text, err := root.ReadFile("postmaster.pid")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return pid
}

// disarm deals with a process id file whose server has ended, since the next server would refuse to start when any
// process has that number by now. The number is replaced by ours, which a server knows as its parent and passes over;
// it goes on to check the shared memory named in the file, and so still finds a session left over out of our sight.
// SECURITY: os.Root, because the server could have put a link to elsewhere in the file's place.
func disarm(data string) error {
	root, err := os.OpenRoot(data)
	if err != nil {
		return failPath(data, err)
	}
	defer root.Close()
	text, err := root.ReadFile("postmaster.pid")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return failPath(data, err)
	}
	_, rest, whole := strings.Cut(string(text), "\n")
	if !whole { // cut off in the writing: it says nothing, and a server would refuse to start
		err = root.Remove("postmaster.pid")
	} else {
		err = root.WriteFile("postmaster.pid", []byte(strconv.Itoa(os.Getpid())+"\n"+rest), 0o600)
	}
	if err != nil {
		return failPath(data, err)
	}
	return nil
}

package pglocal

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// command is a PostgreSQL program about to be run as the server's account, with the folders it works in.
type command struct {
	*exec.Cmd
}

// newCommand prepares a program with an environment of its own: neither PGDATA and its kin nor the caller's
// language reach it. dirs become the descriptors 3, 4, … where descriptors can be paths.
func newCommand(program string, args []string, account *syscall.Credential, dirs ...path) *command {
	cmd := exec.Command(program, args...)
	cmd.Dir = "/" // the caller's working folder may be closed to the server's account
	cmd.Env = []string{"LC_ALL=C.UTF-8", "LC_MESSAGES=C", "TZ=UTC", "PATH=" + os.Getenv("PATH")}
	if lib := os.Getenv("LD_LIBRARY_PATH"); lib != "" {
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+lib)
	}
	for _, d := range dirs {
		if d.file != nil {
			cmd.ExtraFiles = append(cmd.ExtraFiles, d.file)
		}
	}
	// A process group of its own: ^C at the terminal is for this program, which then stops the server.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account, Setpgid: true}
	return &command{cmd}
}

// runToEnd runs a short-lived program, which dies with this one, and returns what it wrote.
func (c *command) runToEnd(ctx context.Context) ([]byte, error) {
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	started, ended := make(chan error, 1), make(chan error, 1)
	go c.hold(syscall.SIGKILL, func(err error) { started <- err }, func(err error) { ended <- err })
	if err := <-started; err != nil {
		return nil, err
	}
	select {
	case err := <-ended:
		return out.Bytes(), err
	case <-ctx.Done():
		// The whole group, since initdb runs a server of its own.
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		err := <-ended // and with it the last of the output
		return out.Bytes(), errors.Join(ctx.Err(), err)
	}
}

// path is a folder as a program of another account is told of it.
type path struct {
	real string
	file *os.File // nil where descriptors cannot be paths
}

// openPath opens a folder for a program to be run. The program reaches it by descriptor, so that neither the length
// of the path nor the rights on its parent folders matter.
func openPath(real string) (path, error) {
	if !descriptorPaths() {
		return path{real: real}, nil
	}
	file, err := os.Open(real)
	return path{real: real, file: file}, err
}

func (p path) close() {
	if p.file != nil {
		p.file.Close()
	}
}

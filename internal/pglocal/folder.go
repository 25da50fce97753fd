package pglocal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// The files of a cluster's folder, which belongs to the calling account with mode 0700:
//
//	lock      held (flock) by the program that runs the server, for its whole life; says its process id
//	data      the cluster
//	data.new  a cluster in the making; left over when that was interrupted
//	run       the socket's folder, unless its path would be too long for a socket
//	socket    where the socket's folder is, in that case
//	log       what the server wrote
const (
	lockName   = "lock"
	dataName   = "data"
	makingName = "data.new"
	runName    = "run"
	socketName = "socket"
	logName    = "log"

	socketPort    = "5432"
	socketFile    = "/.s.PGSQL." + socketPort
	socketPathMax = 103 // bytes; Linux takes 107, others 103
	socketPrefix  = "clientele-pg-"
	logMax        = 8 << 20
)

type folder struct {
	path   string
	lock   *os.File
	socket string // the socket's folder
	remote string // its parent, when that is not path
}

// openFolder makes or opens the folder and takes its lock.
func openFolder(dir string) (*folder, error) {
	path, err := absolute(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, failPath(path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, failPath(path, err)
	}
	if uid := owner(info); uid != os.Geteuid() {
		return nil, fail(CodeOwner, nil, path, uid, os.Geteuid())
	}
	if err := refuseForeign(path); err != nil {
		return nil, err
	}
	// SECURITY: nobody else may enter; the server behind the socket trusts whoever reaches it.
	if info.Mode().Perm() != 0o700 {
		if err := os.Chmod(path, 0o700); err != nil {
			return nil, failPath(path, err)
		}
	}
	lock, err := takeLock(path)
	if err != nil {
		return nil, err
	}
	return &folder{path: path, lock: lock}, nil
}

// refuseForeign keeps us from changing the mode of, and writing into, a folder that is about something else.
func refuseForeign(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return failPath(path, err)
	}
	others := 0
	for _, e := range entries {
		switch e.Name() {
		case lockName:
			return nil
		case "lost+found": // a fresh volume
		default:
			others++
		}
	}
	if others > 0 {
		return fail(CodeForeignFolder, nil, path)
	}
	return nil
}

func takeLock(path string) (*os.File, error) {
	name := filepath.Join(path, lockName)
	lock, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, failPath(path, err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer lock.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, failPath(path, err)
		}
		pid, _ := os.ReadFile(name)
		return nil, fail(CodeInUse, nil, path, strings.TrimSpace(string(pid)))
	}
	err = lock.Truncate(0)
	if err == nil {
		_, err = lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		lock.Close()
		return nil, failPath(path, err)
	}
	return lock, nil
}

func (f *folder) in(name string) string { return filepath.Join(f.path, name) }

// close removes the socket's folder and gives the lock back. What cannot be removed now is removed by the next start.
func (f *folder) close() {
	os.RemoveAll(f.in(runName))
	f.removeRemote()
	f.lock.Close()
}

// major is the major version of the data, 0 if there is none.
func (f *folder) major() (int, error) {
	text, err := os.ReadFile(filepath.Join(f.in(dataName), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, failPath(f.in(dataName), err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fail(CodeFolder, err, f.in(dataName))
	}
	return major, nil
}

// makeSocketFolder makes a fresh socket folder, in the cluster's folder or, when the socket's path would be too
// long there, in a private one with a short path. The parent belongs to us alone and the folder to the server.
func (f *folder) makeSocketFolder(account *syscall.Credential) error {
	f.removeRemote()
	f.socket = f.in(runName)
	if err := os.RemoveAll(f.socket); err != nil {
		return failPath(f.socket, err)
	}
	if len(f.socket)+len(socketFile) > socketPathMax {
		parent, err := shortFolder()
		if err != nil {
			return err
		}
		f.remote, f.socket = parent, filepath.Join(parent, runName)
		if err := os.WriteFile(f.in(socketName), []byte(parent), 0o600); err != nil {
			return failPath(f.path, err)
		}
	}
	if err := os.Mkdir(f.socket, 0o700); err != nil {
		return failPath(f.socket, err)
	}
	if err := give(f.socket, account); err != nil {
		return failPath(f.socket, err)
	}
	return nil
}

func shortFolder() (string, error) {
	var last error
	for _, base := range []string{os.TempDir(), "/tmp", "/dev/shm", "/var/tmp"} {
		if len(base)+len("/"+socketPrefix+"0123456789/"+runName+socketFile) > socketPathMax {
			continue
		}
		dir, err := os.MkdirTemp(base, socketPrefix) // mode 0700
		if err == nil {
			return dir, nil
		}
		last = err
	}
	return "", failPath(os.TempDir(), last)
}

// removeRemote removes the short folder of this run, or of one that was killed.
func (f *folder) removeRemote() {
	text, err := os.ReadFile(f.in(socketName))
	if err != nil {
		return
	}
	dir := string(text)
	info, err := os.Lstat(dir)
	if err == nil && info.IsDir() && owner(info) == os.Geteuid() && strings.HasPrefix(filepath.Base(dir), socketPrefix) {
		os.RemoveAll(dir)
	}
	os.Remove(f.in(socketName))
	f.remote = ""
}

// openLog opens the server's log for appending and tells its length so far; a long one is put aside first.
func (f *folder) openLog() (*os.File, int64, error) {
	name := f.in(logName)
	if info, err := os.Stat(name); err == nil && info.Size() > logMax {
		if err := os.Rename(name, name+".1"); err != nil {
			return nil, 0, failPath(name, err)
		}
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, 0, failPath(name, err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, 0, failPath(name, err)
	}
	return file, info.Size(), nil
}

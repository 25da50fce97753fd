package pglocal

import (
	"context"
	"os"
	"path/filepath"
)

// makeCluster makes the cluster beside its final place and moves it there when it is whole, so that an interrupted
// attempt is never taken for a cluster.
func (s *Server) makeCluster(ctx context.Context) error {
	making := s.home.in(makingName)
	if err := os.Mkdir(making, 0o700); err != nil {
		return failPath(making, err)
	}
	if err := give(making, s.account); err != nil {
		return failPath(making, err)
	}
	dir, err := openPath(making)
	if err != nil {
		return failPath(making, err)
	}
	defer dir.close()
	args := []string{
		"-D", dir.name(3), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
		// SECURITY: trust, because the socket's folder is ours alone; no address is listened on, and none would be let in.
		"--auth-local=trust", "--auth-host=reject", "--no-instructions",
	}
	if s.opt.Ephemeral {
		args = append(args, "--no-sync")
	}
	cmd := newCommand(filepath.Join(s.binary.dir, "initdb"), args, s.account, dir)
	out, err := cmd.runToEnd(ctx)
	if err == nil {
		err = os.Rename(making, s.home.in(dataName))
		if err == nil && !s.opt.Ephemeral {
			err = syncFolder(s.home.path)
		}
		if err != nil {
			return failPath(s.home.path, err)
		}
		return nil
	}
	os.RemoveAll(making)
	return failOutput(s.home.path, string(out), err)
}

func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

package testkit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/clientele/clientele/ent/migrations"
	"github.com/clientele/clientele/internal/pglocal"
)

// cluster is the running copy of a seed.
type cluster struct {
	kit    kit
	server *pglocal.Server
	folder string
	made   atomic.Int64 // databases so far
	reaper *os.File     // held open for life: its end tells the reaper that we are gone
}

const (
	seedPrefix = "seed-"
	copyPrefix = "copy-"
	making     = "making-"
	keepSeeds  = 24 * time.Hour // after the last use
)

// open runs a copy of the kit's seed, making the seed first if there is none. One process at a time is in here, so
// that binaries that start together make one seed, and whatever has no living owner can be removed.
func open(ctx context.Context, k kit) (*cluster, error) {
	lock, err := os.OpenFile(filepath.Join(k.base, "lock"), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if err := flock(lock, syscall.LOCK_EX); err != nil {
		return nil, err
	}
	if err := sweep(k); err != nil {
		return nil, err
	}
	seed := filepath.Join(k.base, seedPrefix+k.key)
	_, err = os.Stat(seed)
	fresh := errors.Is(err, fs.ErrNotExist)
	if fresh {
		if err := k.makeSeed(ctx, seed); err != nil {
			return nil, err
		}
	}
	c, err := k.run(ctx, seed)
	if err != nil && !fresh {
		// A seed that no longer runs, say because its version of PostgreSQL was removed: once more from the start.
		if err := os.RemoveAll(seed); err != nil {
			return nil, err
		}
		if err := k.makeSeed(ctx, seed); err != nil {
			return nil, err
		}
		c, err = k.run(ctx, seed)
	}
	return c, err
}

// makeSeed makes a stopped cluster with the migrated template, whole or not at all.
func (k kit) makeSeed(ctx context.Context, seed string) error {
	dir, err := os.MkdirTemp(k.base, making)
	if err != nil {
		return err
	}
	s, err := pglocal.Start(ctx, pglocal.Options{
		Dir: dir, BinDir: k.binDir, Ephemeral: true,
		Settings: map[string]string{"wal_recycle": "off", "min_wal_size": "32MB"}, // a small seed
	})
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	err = k.fill(ctx, s)
	if err = errors.Join(err, s.Stop()); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	return os.Rename(dir, seed)
}

func (k kit) fill(ctx context.Context, s *pglocal.Server) error {
	if err := k.bootstrap(ctx, s.DSN(superuser, maintenance), template); err != nil {
		return err
	}
	if err := k.up(ctx, s.DSN(migrations.RoleOwner, template), slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	c := cluster{server: s}
	// Nobody may connect to a template while it is being copied.
	return c.exec(ctx, `ALTER DATABASE `+template+` WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`)
}

// run copies the seed and starts the copy, whose folder goes away with this process.
func (k kit) run(ctx context.Context, seed string) (*cluster, error) {
	now := time.Now()
	if err := os.Chtimes(seed, now, now); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(k.base, copyPrefix)
	if err != nil {
		return nil, err
	}
	c := &cluster{kit: k, folder: dir}
	if c.reaper, err = startReaper(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	// Its files keep their owner, which for root is the account that the server runs as.
	if out, err := exec.CommandContext(ctx, "cp", "-Rp", seed+"/.", dir).CombinedOutput(); err != nil {
		c.reaper.Close()
		return nil, fmt.Errorf("copying the seed: %w: %s", err, out)
	}
	c.server, err = pglocal.Start(ctx, pglocal.Options{
		Dir: dir, BinDir: k.binDir, Ephemeral: true, Settings: map[string]string{"max_connections": "300"},
	})
	if err != nil {
		c.reaper.Close()
		return nil, err
	}
	return c, nil
}

// startReaper starts a shell that removes the folder when this process has ended, be it by a kill, and the server
// with it. The returned file is the pipe by whose end it learns of ours.
func startReaper(dir string) (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	const script = `trap '' INT TERM HUP
cat >/dev/null
n=0
while [ -e "$1/data/postmaster.pid" ] && [ $n -lt 200 ]; do n=$((n+1)); sleep 0.05; done
rm -rf "$1"`
	cmd := exec.Command("/bin/sh", "-c", script, "sh", dir)
	cmd.Stdin = read // and nothing of our output, for which go test would wait
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		write.Close()
		return nil, err
	}
	return write, cmd.Process.Release()
}

// stop ends the cluster before the process does.
func (c *cluster) stop() error {
	return errors.Join(c.server.Stop(), c.reaper.Close())
}

// sweep removes copies whose process is gone without its reaper, seeds half made, and seeds that nobody used for long.
func sweep(k kit) error {
	entries, err := os.ReadDir(k.base)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(k.base, e.Name())
		dead := false
		switch {
		case strings.HasPrefix(e.Name(), copyPrefix), strings.HasPrefix(e.Name(), making):
			dead = !locked(filepath.Join(path, "lock"))
		case strings.HasPrefix(e.Name(), seedPrefix) && e.Name() != seedPrefix+k.key:
			info, err := e.Info()
			dead = err == nil && time.Since(info.ModTime()) > keepSeeds
		}
		if dead {
			if err := os.RemoveAll(path); err != nil && !errors.Is(err, syscall.ENOTEMPTY) {
				return err // ENOTEMPTY: its server is just ending, or its reaper is at it as well
			}
		}
	}
	return nil
}

// locked says whether a living process holds the lock.
func locked(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	return flock(f, syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); err != syscall.EINTR {
			return err
		}
	}
}

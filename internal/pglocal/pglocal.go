// Package pglocal owns a private PostgreSQL cluster: finding the installed server, its data folder,
// its life and its end. It does not own databases, roles or tables inside, nor anybody's pools.
package pglocal

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options say where a cluster lives and how it is run.
type Options struct {
	// Dir is the folder of the cluster, of any length and below any parent folder; it is made when it is missing.
	// The folder must be empty, or one that Start made before, and belong to the account that calls.
	Dir string
	// BinDir holds postgres and initdb; empty looks on PATH and in the folders of the usual distributions.
	BinDir string
	// Settings are server settings by name ("shared_buffers": "256MB"). Those that decide how the server is
	// reached are refused (CodeSetting).
	Settings map[string]string
	// Ephemeral gives up durability against a crash of the machine (no fsync). For tests only.
	Ephemeral bool
	// Log receives a line when a cluster is made, taken over, started and stopped; nil for silence.
	Log *slog.Logger
}

// Server is a running cluster. It ends with Stop, and with this program however that ends.
type Server struct {
	opt     Options
	home    *folder
	binary  binaries
	account *syscall.Credential
	process *process
	// logStart is the length of the log before this start; what follows is about it.
	logStart int64
	stop     sync.Once
	stopErr  error
}

// Start makes the cluster if there is none in opt.Dir, takes it over if the program before was killed, runs it,
// and returns when it answers queries. Every failure is an *Error with a Code and a remedy.
//
// The server listens on a unix socket in a folder that only this account can enter, and on nothing else; that is
// why it can trust every connection. When the caller is root the server runs as the account "postgres", which
// reaches its two folders through inherited descriptors: no parent folder is opened to anybody for it.
func Start(ctx context.Context, opt Options) (*Server, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if err := checkSettings(opt.Settings); err != nil {
		return nil, err
	}
	found, err := findBinaries(opt.BinDir)
	if err != nil {
		return nil, err
	}
	account, err := serverAccount()
	if err != nil {
		return nil, err
	}
	home, err := openFolder(opt.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{opt: opt, home: home, account: account}
	if err := s.start(ctx, found); err != nil {
		if s.process != nil {
			s.process.end(opt.Log)
		}
		home.close()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, found []binaries) error {
	if err := s.takeOver(ctx); err != nil {
		return err
	}
	major, err := s.home.major()
	if err != nil {
		return err
	}
	if s.binary, err = pick(found, major); err != nil {
		return err
	}
	if major == 0 {
		s.opt.Log.Info("making a PostgreSQL cluster", "folder", s.home.path, "version", s.binary.version)
		if err := s.makeCluster(ctx); err != nil {
			return err
		}
	}
	if err := s.home.makeSocketFolder(s.account); err != nil {
		return err
	}
	if err := s.spawn(); err != nil {
		return err
	}
	if err := s.awaitAnswer(ctx); err != nil {
		return err
	}
	if err := s.rebuildOrder(ctx); err != nil {
		return err
	}
	s.opt.Log.Info("PostgreSQL is running", "folder", s.home.path, "version", s.binary.version, "pid", s.PID())
	return nil
}

// DSN is the connection URL of a database for a user, good for every program of this account on this machine.
// The superuser is "postgres", and so is the database that is always there.
func (s *Server) DSN(user, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(user), Path: "/" + database}
	query := url.Values{"host": {s.home.socket}, "port": {socketPort}, "sslmode": {"disable"}}.Encode()
	u.RawQuery = strings.ReplaceAll(query, "+", "%20") // in these URLs a plus is a plus
	return u.String()
}

// PID is the process id of the server's first process.
func (s *Server) PID() int { return s.process.cmd.Process.Pid }

// Exited is closed when the server has ended, by Stop or by itself.
func (s *Server) Exited() <-chan struct{} { return s.process.exited }

// Stop ends the server: sessions are cut off, what was committed is on disk. It takes at most half a minute, can be
// called more than once, and frees the folder for the next program. An error means that the server had ended by
// itself before, or had to be ended by force; committed data is safe in both cases.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		s.stopErr = s.process.end(s.opt.Log)
		s.home.close()
		s.opt.Log.Info("PostgreSQL has stopped", "folder", s.home.path)
	})
	return s.stopErr
}

// process is the server's first process and the goroutine that holds its thread.
type process struct {
	cmd    *command
	exited chan struct{}
	err    error // of Wait; to be read when exited is closed
}

// end asks for a fast shutdown, then for an immediate one, then kills.
func (p *process) end(log *slog.Logger) error {
	select {
	case <-p.exited:
		return fail(CodeEnded, p.err)
	default:
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fail(CodeEnded, err)
		}
		select {
		case <-p.exited:
			if p.err != nil {
				return fail(CodeEnded, p.err)
			}
			return nil
		case <-time.After(10 * time.Second):
			log.Warn("PostgreSQL does not stop", "signal", sig.String(), "pid", p.cmd.Process.Pid)
		}
	}
	<-p.exited
	return fail(CodeEnded, p.err)
}

// checkSettings refuses settings that would open another door to the server or move its files.
func checkSettings(settings map[string]string) error {
	for name := range settings {
		switch strings.ToLower(name) {
		// SECURITY: the server trusts whoever reaches its socket, so nothing may widen who that is.
		case "listen_addresses", "port", "unix_socket_directories", "unix_socket_group", "unix_socket_permissions",
			"data_directory", "config_file", "hba_file", "ident_file", "external_pid_file", "logging_collector":
			return fail(CodeSetting, nil, name)
		}
		if name == "" || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789_.") != "" {
			return fail(CodeSetting, nil, name)
		}
	}
	return nil
}

func absolute(dir string) (string, error) {
	if dir == "" {
		return "", fail(CodeFolderMissing, nil)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", failPath(dir, err)
	}
	return abs, nil
}

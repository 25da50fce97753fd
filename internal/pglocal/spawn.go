package pglocal

import (
	"context"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const answerWithin = 2 * time.Minute // recovery after a kill included

// spawn starts the server's first process.
func (s *Server) spawn() error {
	data, err := openPath(s.home.in(dataName))
	if err != nil {
		return failPath(s.home.in(dataName), err)
	}
	defer data.close()
	socket, err := openPath(s.home.socket)
	if err != nil {
		return failPath(s.home.socket, err)
	}
	defer socket.close()
	log, length, err := s.home.openLog()
	if err != nil {
		return err
	}
	defer log.Close()
	s.logStart = length
	cmd := newCommand(filepath.Join(s.binary.dir, "postgres"), s.arguments(data.name(3), socket.name(4)), s.account, data, socket)
	cmd.Stdout, cmd.Stderr = log, log
	p := &process{cmd: cmd, exited: make(chan struct{})}
	started := make(chan error, 1)
	// SIGINT asks the server for a fast shutdown.
	go cmd.hold(syscall.SIGINT, func(err error) { started <- err }, func(err error) {
		p.err = err
		close(p.exited)
	})
	if err := <-started; err != nil {
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL) { // setuid, setgid
			return fail(CodeAccount, err)
		}
		return fail(CodeNotStarted, err, err.Error(), s.home.path)
	}
	s.process = p
	return nil
}

func (s *Server) arguments(data, socket string) []string {
	settings := map[string]string{
		"cluster_name": "clientele", "shared_buffers": "64MB", "timezone": "UTC", "log_timezone": "UTC", "lc_messages": "C",
	}
	if s.opt.Ephemeral {
		for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes", "autovacuum"} {
			settings[name] = "off"
		}
	}
	maps.Copy(settings, s.opt.Settings)
	args := []string{"-D", data}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	// SECURITY: on the command line, where neither postgresql.conf nor ALTER SYSTEM can overrule them.
	return append(args,
		"-c", "listen_addresses=", "-c", "port="+socketPort, "-c", "unix_socket_directories="+socket,
		"-c", "unix_socket_permissions=0700", "-c", "logging_collector=off")
}

// awaitAnswer returns when the server answers and can tell Chinese letters.
func (s *Server) awaitAnswer(ctx context.Context) error {
	deadline, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	for {
		// template1, since every database is made from it
		conn, err := pgx.Connect(deadline, s.DSN("postgres", "template1"))
		if err == nil {
			err = checkLocale(deadline, conn)
			conn.Close(deadline)
			var own *Error
			if err == nil || errors.As(err, &own) {
				return err
			}
		}
		select {
		case <-s.process.exited:
			return failOutput(s.home.path, s.home.logSince(s.logStart), s.process.err)
		case <-deadline.Done():
			return fail(CodeTimeout, errors.Join(deadline.Err(), err), s.home.path)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// checkLocale refuses a cluster in which Chinese is no text: search by trigrams and \w would silently find nothing.
func checkLocale(ctx context.Context, conn *pgx.Conn) error {
	var encoding, ctype string
	var letters bool
	err := conn.QueryRow(ctx, `SELECT getdatabaseencoding(), current_setting('lc_ctype'), '客' ~ '^\w$'`).Scan(&encoding, &ctype, &letters)
	if err != nil {
		return err
	}
	if encoding != "UTF8" || !letters {
		return fail(CodeLocale, errors.New("encoding "+encoding+", lc_ctype "+ctype))
	}
	return nil
}

// logSince reads what the server has written from an offset on, the last 16 KiB at most.
func (f *folder) logSince(offset int64) string {
	log, size, err := f.openLog()
	if err != nil {
		return ""
	}
	defer log.Close()
	text, err := io.ReadAll(io.NewSectionReader(log, max(offset, size-16<<10), 16<<10))
	if err != nil {
		return ""
	}
	return string(text)
}

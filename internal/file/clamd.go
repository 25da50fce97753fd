package file

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// Clamd scans by a clamd that listens on a unix socket ("/run/clamav/clamd.ctl") or on an address ("127.0.0.1:3310"). Its
// StreamMaxLength has to be at least the largest file.
type Clamd struct{ Address string }

// network of the address.
func (c Clamd) network() string {
	if strings.HasPrefix(c.Address, "/") {
		return "unix"
	}
	return "tcp"
}

func (c Clamd) dial(ctx context.Context) (net.Conn, func() bool, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, c.network(), c.Address)
	if err != nil {
		return nil, nil, fmt.Errorf("file: clamd: %w", err)
	}
	// The protocol knows no cancelling: the connection is cut.
	return conn, context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }), nil
}

// Ping asks whether it is there.
func (c Clamd) Ping(ctx context.Context) error {
	conn, stop, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer stop()
	if _, err := conn.Write([]byte("zPING\x00")); err != nil {
		return fmt.Errorf("file: clamd: %w", err)
	}
	answer, err := reply(conn)
	if err == nil && answer != "PONG" {
		err = errors.New("file: clamd: it does not answer PING")
	}
	return err
}

// Scan implements Scanner by INSTREAM: pieces with their length before them, an empty one at the end, one line back.
func (c Clamd) Scan(ctx context.Context, r io.Reader) (Verdict, error) {
	conn, stop, err := c.dial(ctx)
	if err != nil {
		return Verdict{}, err
	}
	defer conn.Close()
	defer stop()
	if _, err := conn.Write([]byte("zINSTREAM\x00")); err != nil {
		return Verdict{}, fmt.Errorf("file: clamd: %w", err)
	}
	piece := make([]byte, 4+64<<10)
	for {
		n, err := io.ReadFull(r, piece[4:])
		if n > 0 {
			binary.BigEndian.PutUint32(piece, uint32(n))
			if _, e := conn.Write(piece[:4+n]); e != nil {
				// It may have said why before it hung up: the stream was too long.
				answer, _ := reply(conn)
				return Verdict{}, fmt.Errorf("file: clamd: %w: %s", e, answer)
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return Verdict{}, err
		}
	}
	if _, err := conn.Write([]byte{0, 0, 0, 0}); err != nil {
		return Verdict{}, fmt.Errorf("file: clamd: %w", err)
	}
	answer, err := reply(conn)
	if err != nil {
		return Verdict{}, err
	}
	return verdictOf(answer)
}

// reply is one answer, ended by a zero byte.
func reply(conn net.Conn) (string, error) {
	b, err := io.ReadAll(io.LimitReader(conn, 4096))
	if err != nil {
		return "", fmt.Errorf("file: clamd: %w", err)
	}
	first, _, _ := strings.Cut(string(b), "\x00")
	return shown(first), nil
}

// verdictOf reads "stream: OK" and "stream: NAME FOUND"; anything else is no verdict.
func verdictOf(answer string) (Verdict, error) {
	if answer == "stream: OK" {
		return Verdict{}, nil
	}
	if name, ok := strings.CutSuffix(strings.TrimPrefix(answer, "stream: "), " FOUND"); ok {
		return Verdict{Infected: true, Found: name}, nil
	}
	return Verdict{}, fmt.Errorf("file: clamd: %q", answer)
}

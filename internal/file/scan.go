package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// Verdict of a scanner.
type Verdict struct {
	Infected bool
	Found    string // what was found, for people; empty for nothing
}

// Scanner looks for what must not be passed on. An error is no verdict: it is tried again.
type Scanner interface {
	Scan(ctx context.Context, r io.Reader) (Verdict, error)
}

// Command scans by a program that reads the file on its standard input: it ends with 0 for clean and with 1 for infected,
// its first line of output says what was found. Any other end is an error.
type Command struct{ Args []string }

// Scan implements Scanner.
func (c Command) Scan(ctx context.Context, r io.Reader) (Verdict, error) {
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	in := &whole{r: r}
	cmd.Stdin, cmd.WaitDelay = in, 5*time.Second
	var out capped
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return Verdict{}, fmt.Errorf("file: scan command: %w", ctx.Err())
	case cmd.ProcessState == nil:
		return Verdict{}, fmt.Errorf("file: scan command: %w", err)
	case cmd.ProcessState.Success():
		// A program that stops reading is no error to exec; but it has not seen all of the file.
		if err == nil && !in.all {
			err = errors.New("it ended before the file did")
		}
		if err != nil {
			return Verdict{}, fmt.Errorf("file: scan command: %w", err)
		}
		return Verdict{}, nil
	case errors.As(err, &exit) && exit.ExitCode() == 1:
		return Verdict{Infected: true, Found: out.line()}, nil
	}
	return Verdict{}, fmt.Errorf("file: scan command: %s: %s", cmd.ProcessState, out.line())
}

// whole knows whether everything was read.
type whole struct {
	r   io.Reader
	all bool
}

func (e *whole) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.all = e.all || err == io.EOF
	return n, err
}

// capped keeps the beginning of what a program says.
type capped struct{ b bytes.Buffer }

func (c *capped) Write(p []byte) (int, error) {
	if room := 4096 - c.b.Len(); room > 0 {
		c.b.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// line is the first line as text that may be stored and shown.
func (c *capped) line() string {
	first, _, _ := strings.Cut(strings.TrimSpace(c.b.String()), "\n")
	return shown(first)
}

// shown is text of others' without what may hide in it, fit for the column.
func shown(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == '\ufffd' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
	if r := []rune(strings.TrimSpace(text)); len(r) > 200 {
		return string(r[:200])
	}
	return strings.TrimSpace(text)
}

package file

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/clientele/clientele/internal/blob"
)

// bench gives jobs to workshops, one process each, two at a time.
type bench struct {
	command []string
	font    string
	temp    string
	within  time.Duration
	free    chan struct{}
}

// errUnmarkable: the workshop could not do it, or did not survive it. Another try would end the same way.
var errUnmarkable = errors.New("file: it cannot be marked")

func newBench(command []string, font, temp string, l Limits) (*bench, error) {
	path, err := findFont(font)
	if err != nil {
		return nil, err
	}
	return &bench{command: command, font: path, temp: temp, within: l.Render, free: make(chan struct{}, 2)}, nil
}

// work copies the blob beside the workshop and has the job done. The folder is removed whatever happens; keep takes what
// was made before that.
func (b *bench) work(ctx context.Context, store blob.Store, f *File, j job, keep func(path string) error) (result, error) {
	select {
	case b.free <- struct{}{}:
		defer func() { <-b.free }()
	case <-ctx.Done():
		return result{}, ctx.Err()
	}
	dir, err := os.MkdirTemp(b.temp, "clientele-workshop-")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	j.In, j.Out, j.Media, j.Font = filepath.Join(dir, "in"), filepath.Join(dir, "out"), f.MediaType, b.font
	if err := fetch(ctx, store, f, j.In); err != nil {
		return result{}, err
	}
	r, err := b.run(ctx, dir, j)
	if err == nil && r.Reason == "" && keep != nil {
		err = keep(j.Out)
	}
	return r, err
}

func fetch(ctx context.Context, store blob.Store, f *File, path string) error {
	in, err := store.Open(ctx, f.key(), 0, -1)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.LimitReader(in, f.Size))
	return errors.Join(err, out.Close())
}

func (b *bench) run(ctx context.Context, dir string, j job) (result, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return result{}, err
	}
	within, cancel := context.WithTimeout(ctx, b.within)
	defer cancel()
	cmd := exec.CommandContext(within, b.command[0], b.command[1:]...)
	cmd.Dir, cmd.Stdin, cmd.WaitDelay = dir, bytes.NewReader(text), time.Second
	// SECURITY: neither keys nor addresses are in its surroundings.
	cmd.Env = []string{"TZ=UTC", "GOMEMLIMIT=500MiB", "GOMAXPROCS=1", "GOTRACEBACK=none", "HOME=" + dir, "TMPDIR=" + dir, workshopMark + "=1"}
	var out, complaint capped
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return result{}, ctx.Err()
	case cmd.ProcessState == nil:
		return result{}, fmt.Errorf("file: workshop: %w", err) // it did not start
	case within.Err() != nil:
		return result{Reason: reasonMark, Detail: "it took too long"}, nil
	case err != nil:
		return result{Reason: reasonMark, Detail: fmt.Sprintf("%s: %s", cmd.ProcessState, complaint.line())}, nil
	}
	var r result
	if err := json.Unmarshal(out.b.Bytes(), &r); err != nil {
		return result{}, fmt.Errorf("file: workshop: answer: %w", err)
	}
	return r, nil
}

// workshopMark is in the surroundings of a workshop: a test's program is its own workshop by it.
const workshopMark = "CLIENTELE_WORKSHOP"

// inspect looks into the file for what may not be kept, and whether it can be marked.
func (s *Service) inspect(ctx context.Context, f *File) (Verdict, error) {
	media, ok := mediaOf(f.MediaType)
	if !ok {
		return Verdict{Infected: true, Found: reasonType}, nil
	}
	if !media.Marked && media.part == "" {
		return Verdict{}, nil
	}
	if len(s.bench.command) == 0 {
		return Verdict{Found: reasonMark}, nil
	}
	r, err := s.bench.work(ctx, s.store, f, job{Task: "inspect"}, nil)
	if err != nil {
		return Verdict{}, err
	}
	switch r.Reason {
	case "":
		return Verdict{}, nil
	case reasonMark:
		if media.Marked {
			return Verdict{Found: reasonMark}, nil // it may be kept; whether it is lent is another matter
		}
	}
	return Verdict{Infected: true, Found: r.Reason}, nil
}

package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// job is what the workshop is asked for, result what it answers.
type job struct {
	Task  string `json:"task"` // "inspect" or "mark"
	In    string `json:"in"`
	Out   string `json:"out,omitempty"` // of "mark": a file that does not exist
	Media string `json:"media"`
	Mark  Mark   `json:"mark"`
	Font  string `json:"font,omitempty"`
}

type result struct {
	Reason string `json:"reason"` // empty: done
	Detail string `json:"detail,omitempty"`
}

// Reasons of the workshop and of the scan.
const (
	reasonType      = "FILE_TYPE_MISMATCH"
	reasonMacros    = "HAS_MACROS"
	reasonEncrypted = "ENCRYPTED_PDF"
	reasonPixels    = "IMAGE_TOO_LARGE"
	reasonMark      = "UNMARKABLE"
	reasonHash      = "HASH_MISMATCH"
)

// RunWorkshop is the program's hidden command behind Config.Workshop: it reads a job from in and does it within narrow
// limits of memory, processor time and output. Strangers' files are taken apart here and nowhere else: a parser that
// panics, grows without end or never comes back takes this process with it and not the one that serves.
func RunWorkshop(in io.Reader, out io.Writer) error {
	if err := confine(); err != nil {
		return err
	}
	var j job
	if err := json.NewDecoder(io.LimitReader(in, 64<<10)).Decode(&j); err != nil {
		return fmt.Errorf("file: job: %w", err)
	}
	b, err := os.ReadFile(j.In)
	if err != nil {
		return err
	}
	var r result
	if err := j.do(b); err != nil {
		r = result{reasonOf(err), shown(err.Error())}
	}
	return json.NewEncoder(out).Encode(r)
}

func reasonOf(err error) string {
	switch {
	case errors.Is(err, errEncrypted):
		return reasonEncrypted
	case errors.Is(err, errMacros):
		return reasonMacros
	case errors.Is(err, errPixels):
		return reasonPixels
	case errors.Is(err, errType):
		return reasonType
	}
	return reasonMark
}

func (j *job) do(b []byte) error {
	media, ok := mediaOf(j.Media)
	if !ok {
		return errType
	}
	switch {
	case j.Task == "mark":
		return j.mark(b)
	case media.part != "":
		return checkArchive(bytes.NewReader(b), int64(len(b)), media)
	case media.Type == "application/pdf":
		return j.tryPaper(b)
	case media.Marked:
		return measure(b, media.Type)
	}
	return nil
}

// tryPaper marks the document for nobody: what fails now would fail when it is borrowed.
func (j *job) tryPaper(b []byte) error {
	return markPaper(b, io.Discard, "", func(*faces) []string { return []string{"-"} })
}

func (j *job) mark(b []byte) error {
	out, err := os.OpenFile(j.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	lines := func(f *faces) []string {
		text := j.Mark.lines(true)
		if !f.has(text[0]) {
			text = j.Mark.lines(false)
		}
		return text
	}
	if j.Media == "application/pdf" {
		err = markPaper(b, out, j.Font, lines)
	} else {
		err = markPicture(b, j.Media, out, j.Font, lines)
	}
	return errors.Join(err, out.Close())
}

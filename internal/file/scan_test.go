package file

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// eicar is the harmless text that every scanner reports, in two parts so that this file is not reported.
var eicar = []byte(`X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`)

// grep is a scanner of one pattern: 1 for found, 0 for not, as --scan-command wants it.
func grep(t *testing.T) Command {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scan")
	must(t, os.WriteFile(path, []byte("#!/bin/sh\nif grep -q 'EICAR-STANDARD-ANTIVIRUS' ; then echo 'Eicar-Test-Signature'; exit 1; fi\n"), 0o700))
	return Command{[]string{"/bin/sh", path}}
}

func (x *fixture) upload(name, media string, body []byte) File {
	x.t.Helper()
	f, secret := x.mustTicket(name, media, body)
	if a := x.put(x.person, f.ID, secret, body); a.status != 201 {
		x.t.Fatalf("%s: %s", name, a.body)
	}
	return f
}

func TestInfectedFileIsServedToNobody(t *testing.T) {
	t.Parallel()
	x := newFixture(t, func(c *Config) { c.Scanner, c.NoScan = grep(t), false })
	bad, good := x.upload("bad.txt", "text/plain", eicar), x.upload("good.txt", "text/plain", text)
	must(t, x.s.ScanTenant(t.Context(), bad.Tenant))
	if got := x.row(bad.ID) + " " + x.row(good.ID); got != "infected|Eicar-Test-Signature|3 clean|-|3" {
		t.Fatal(got)
	}
	if _, err := x.tryLink(x.person, bad.ID, ""); reasonIn(err) != "INVALID_STATE FILE_INFECTED" {
		t.Error(err)
	}
	// A link from before, as if a later scan had found something.
	link := x.link(x.person, good.ID, "")
	x.Exec(`UPDATE files SET state = 'infected' WHERE tenant_id = $1 AND id = $2`, good.ID)
	if a := x.do("GET", link, nil); a.reason() != "409 INVALID_STATE FILE_INFECTED" || len(x.told()) != 0 {
		t.Errorf("%s %q", a.reason(), x.told())
	}
	if got := x.Text(`SELECT snapshot::text FROM events WHERE tenant_id = $1 AND type = 'file.scanned.v1' AND subject_id = $2`, bad.ID); got != "{}" {
		t.Error(got)
	}
	x.Clock.SetOffset(8 * 24 * time.Hour)
	must(t, x.s.Clear(t.Context(), bad.Tenant))
	if got := x.row(bad.ID); got != "gone|Eicar-Test-Signature|4" || strings.Contains(x.blobs(), bad.ID.String()) {
		t.Errorf("%s %s", got, x.blobs())
	}
}

func TestWithoutAScannerEverythingStaysInQuarantine(t *testing.T) {
	t.Parallel()
	x := newFixture(t, func(c *Config) { c.NoScan = false })
	f := x.upload("a.txt", "text/plain", text)
	must(t, x.s.ScanTenant(t.Context(), f.Tenant))
	if got := x.row(f.ID); got != "quarantined|-|2" {
		t.Error(got)
	}
}

// scanner is one in Go.
type scanner func(ctx context.Context, r io.Reader) (Verdict, error)

func (s scanner) Scan(ctx context.Context, r io.Reader) (Verdict, error) { return s(ctx, r) }

// Two processes with many files between them scan each once.
func TestProcessesShareTheScanning(t *testing.T) {
	t.Parallel()
	var scans atomic.Int32
	counting := scanner(func(_ context.Context, r io.Reader) (Verdict, error) {
		_, err := io.Copy(io.Discard, r)
		scans.Add(1)
		return Verdict{}, err
	})
	x := newFixture(t, func(c *Config) { c.Scanner = counting })
	other, err := New(Config{DB: x.DB, Run: x.Runner, IDs: x.IDs, Store: x.s.store, Log: x.s.log, Key: bytes.Repeat([]byte{7}, 32), Scanner: counting})
	must(t, err)
	defer other.Close()
	var last File
	for range 10 {
		last = x.upload("a.txt", "text/plain", text)
	}
	var both sync.WaitGroup
	for _, s := range []*Service{x.s, other, x.s, other} {
		both.Go(func() {
			if err := s.ScanTenant(t.Context(), last.Tenant); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if got := x.Text(`SELECT state, count(*) FROM files WHERE tenant_id = $1 GROUP BY state`); got != "clean|10" || scans.Load() != 10 {
		t.Errorf("%s, %d scans", got, scans.Load())
	}
}

// A process that dies in a scan leaves a claim that runs out; an error puts the next try off, further each time.
func TestScansAreTriedAgain(t *testing.T) {
	t.Parallel()
	trouble := errors.New("no answer")
	x := newFixture(t, func(c *Config) {
		c.Scanner = scanner(func(context.Context, io.Reader) (Verdict, error) { return Verdict{}, trouble })
	})
	f := x.upload("a.txt", "text/plain", text)
	dying, kill := context.WithCancel(t.Context())
	x.s.scanner = scanner(func(ctx context.Context, _ io.Reader) (Verdict, error) {
		kill()
		<-ctx.Done()
		return Verdict{}, ctx.Err()
	})
	if err := x.s.ScanTenant(dying, f.Tenant); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	x.s.scanner = scanner(func(context.Context, io.Reader) (Verdict, error) { return Verdict{}, trouble })
	attempts := func() string {
		return x.Text(`SELECT scan_attempts, state, COALESCE(scan_note, '-') FROM files WHERE tenant_id = $1 AND id = $2`, f.ID)
	}
	must(t, x.s.ScanTenant(t.Context(), f.Tenant))
	if got := attempts(); got != "1|quarantined|-" {
		t.Errorf("while the claim holds: %s", got)
	}
	at := 3*time.Minute + time.Second
	for i, wait := range []time.Duration{10, 20, 40} {
		x.Clock.SetOffset(at)
		must(t, x.s.ScanTenant(t.Context(), f.Tenant))
		if got := attempts(); got != fmt.Sprintf("%d|quarantined|SCAN_FAILED", i+2) {
			t.Errorf("try %d: %s", i+2, got)
		}
		x.Clock.SetOffset(at + wait*time.Second - 5*time.Second)
		must(t, x.s.ScanTenant(t.Context(), f.Tenant))
		if got := attempts(); got != fmt.Sprintf("%d|quarantined|SCAN_FAILED", i+2) {
			t.Errorf("too early: %s", got)
		}
		at += wait*time.Second + time.Minute
	}
	x.s.scanner = nil
	x.Clock.SetOffset(at + time.Hour)
	must(t, x.s.ScanTenant(t.Context(), f.Tenant))
	if got := x.row(f.ID); got != "clean|-|3" {
		t.Error(got)
	}
}

func TestRunFindsWhatNoHintToldOf(t *testing.T) {
	t.Parallel()
	x := newFixture(t, func(c *Config) { c.Limits.Sweep = 20 * time.Millisecond })
	f := x.upload("a.txt", "text/plain", text)
	x.s.hints.Take()
	<-x.s.hints.Ready()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { x.s.Run(ctx); close(done) }()
	until(t, "the file is clean", func() bool { return strings.HasPrefix(x.row(f.ID), "clean") })
	stop()
	<-done
}

func TestScanCommand(t *testing.T) {
	t.Parallel()
	sh := func(script string) Command { return Command{[]string{"/bin/sh", "-c", script}} }
	big := bytes.Repeat([]byte("x"), 1<<20)
	for _, c := range []struct {
		command Command
		in      []byte
		want    string
	}{
		{sh("cat >/dev/null"), big, "{false } <nil>"},
		{grep(t), text, "{false } <nil>"},
		{grep(t), eicar, "{true Eicar-Test-Signature} <nil>"},
		{sh("cat >/dev/null; echo \"a\tb\"; exit 1"), text, "{true a b} <nil>"},
		{sh("exit 1"), big, "{true } <nil>"},
		{sh("cat >/dev/null; echo broken; exit 2"), text, "{false } file: scan command: exit status 2: broken"},
		{sh("kill -9 $$"), text, "{false } file: scan command: signal: killed: "},
		{sh("exit 0"), big, "{false } file: scan command: it ended before the file did"},
		{Command{[]string{"/nonexistent/scanner"}}, text, "{false } file: scan command: fork/exec /nonexistent/scanner: no such file or directory"},
	} {
		v, err := c.command.Scan(t.Context(), bytes.NewReader(c.in))
		if got := fmt.Sprint(v, " ", err); got != c.want {
			t.Errorf("%v: %s, want %s", c.command, got, c.want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := sh("sleep 100").Scan(ctx, bytes.NewReader(text)); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// clamd speaks the daemon's side of the protocol on a socket.
func clamd(t *testing.T, network, address string, most int) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				word := make([]byte, 10)
				if _, err := io.ReadFull(conn, word[:6]); err != nil {
					return
				}
				if string(word[:6]) == "zPING\x00" {
					_, _ = conn.Write([]byte("PONG\x00"))
					return
				}
				if _, err := io.ReadFull(conn, word[6:]); err != nil || string(word) != "zINSTREAM\x00" {
					_, _ = conn.Write([]byte("UNKNOWN COMMAND\x00"))
					return
				}
				var all []byte
				for {
					var n uint32
					if binary.Read(conn, binary.BigEndian, &n) != nil {
						return
					}
					if n == 0 {
						break
					}
					if len(all)+int(n) > most {
						_, _ = conn.Write([]byte("INSTREAM size limit exceeded. ERROR\x00"))
						return
					}
					piece := make([]byte, n)
					if _, err := io.ReadFull(conn, piece); err != nil {
						return
					}
					all = append(all, piece...)
				}
				if bytes.Contains(all, eicar) {
					_, _ = conn.Write([]byte("stream: Win.Test.EICAR_HDB-1 FOUND\x00"))
				} else {
					_, _ = conn.Write([]byte("stream: OK\x00"))
				}
			}()
		}
	}()
	return l
}

func TestClamd(t *testing.T) {
	t.Parallel()
	unix := filepath.Join(t.TempDir(), "s")
	clamd(t, "unix", unix, 1<<20)
	for _, address := range []string{unix, clamd(t, "tcp", "127.0.0.1:0", 1<<20).Addr().String()} {
		c := Clamd{address}
		if err := c.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		large := bytes.Repeat([]byte("x"), 300_000)
		for in, want := range map[string]string{
			string(text): "{false } <nil>", string(eicar): "{true Win.Test.EICAR_HDB-1} <nil>", string(large) + string(eicar): "{true Win.Test.EICAR_HDB-1} <nil>", string(large): "{false } <nil>",
		} {
			v, err := c.Scan(t.Context(), strings.NewReader(in))
			if got := fmt.Sprint(v, " ", err); got != want {
				t.Errorf("%s, %d bytes: %s", address, len(in), got)
			}
		}
		if v, err := c.Scan(t.Context(), bytes.NewReader(make([]byte, 2<<20))); err == nil || v.Infected {
			t.Errorf("too long: %v %v", v, err)
		}
	}
	if _, err := (Clamd{filepath.Join(t.TempDir(), "none")}).Scan(t.Context(), bytes.NewReader(text)); err == nil {
		t.Error("a daemon that is not there finds nothing")
	}
}

// office is a zip archive with these members.
func office(t *testing.T, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		w, err := z.Create(m)
		must(t, err)
		_, err = w.Write([]byte("<x/>"))
		must(t, err)
	}
	must(t, z.Close())
	return b.Bytes()
}

const docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

func TestWhatIsNotWhatItSaysDoesNotPass(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		must(t, err)
		return b
	}
	for _, c := range []struct {
		name, media string
		body        []byte
		want        string
	}{
		{"a.docx", docx, office(t, "[Content_Types].xml", "word/document.xml"), "clean|-"},
		{"macros.docx", docx, office(t, "[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), "infected|HAS_MACROS"},
		{"sheet.docx", docx, office(t, "[Content_Types].xml", "xl/workbook.xml"), "infected|FILE_TYPE_MISMATCH"},
		{"broken.docx", docx, []byte("PK\x03\x04 and nothing more"), "infected|FILE_TYPE_MISMATCH"},
		{"user.pdf", "application/pdf", read("encrypted-user.pdf"), "infected|ENCRYPTED_PDF"},
		{"owner.pdf", "application/pdf", read("encrypted-owner.pdf"), "infected|ENCRYPTED_PDF"},
		{"rc4.pdf", "application/pdf", read("encrypted-rc4.pdf"), "infected|ENCRYPTED_PDF"},
		{"a.pdf", "application/pdf", read("ghostscript.pdf"), "clean|-"},
		{"broken.pdf", "application/pdf", []byte("%PDF-1.7\nnothing that could be read"), "clean|UNMARKABLE"},
		{"a.png", "image/png", picturePNG(t, 40, 30), "clean|-"},
		{"bomb.png", "image/png", bombPNG(60_000, 60_000), "infected|IMAGE_TOO_LARGE"},
		{"broken.jpg", "image/jpeg", []byte("\xff\xd8\xff\xe0 no picture"), "infected|FILE_TYPE_MISMATCH"},
		{"gbk.csv", "text/csv", []byte("\xb9\xa9\xd3\xa6,1\r\n\xbf\xcd\xbb\xa7,2\r\n"), "clean|-"},
	} {
		f := x.upload(c.name, c.media, c.body)
		must(t, x.s.ScanTenant(t.Context(), f.Tenant))
		if got := x.Text(`SELECT state, COALESCE(scan_note, '-') FROM files WHERE tenant_id = $1 AND id = $2`, f.ID); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestBytesThatWereAlteredDoNotPass(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	f := x.upload("a.txt", "text/plain", text)
	path := filepath.Join(x.dir, x.ID.String(), f.ID.String())
	must(t, os.WriteFile(path, bytes.ToUpper(text), 0o600))
	if ok, err := x.s.Verify(t.Context(), f); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	must(t, x.s.ScanTenant(t.Context(), f.Tenant))
	if got := x.row(f.ID); got != "infected|HASH_MISMATCH|3" {
		t.Error(got)
	}
	must(t, os.Remove(path))
	if ok, err := x.s.Verify(t.Context(), f); ok || err != nil {
		t.Errorf("bytes that are gone: %v %v", ok, err)
	}
}

func TestAbandonedTicketsAreClearedAway(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	f, secret := x.mustTicket("a.txt", "text/plain", text)
	must(t, x.s.store.Put(t.Context(), f.key(), bytes.NewReader(text), f.Size)) // as a process that died left it
	x.Clock.SetOffset(2*time.Hour + 9*time.Minute)
	must(t, x.s.Clear(t.Context(), f.Tenant))
	if got := x.row(f.ID); got != "awaiting|-|1" || x.blobs() == "" {
		t.Errorf("too early: %s %q", got, x.blobs())
	}
	x.Clock.SetOffset(2*time.Hour + 11*time.Minute)
	must(t, x.s.Clear(t.Context(), f.Tenant))
	if got := x.row(f.ID); got != "gone|-|2" || x.blobs() != "" {
		t.Errorf("%s %q", got, x.blobs())
	}
	if a := x.put(x.person, f.ID, secret, text); a.reason() != "403 FORBIDDEN UPLOAD_TICKET" {
		t.Error(a.reason())
	}
}

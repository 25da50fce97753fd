package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/testkit"
)

// What cannot work with files is said at the start, with what to do about it.
func TestFileSettingsThatCannotWork(t *testing.T) {
	t.Parallel()
	d := testkit.NewDatabase(t)
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("no font"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{
		"CLIENTELE_DATABASE_URL=" + d.App, "CLIENTELE_AUTHN_URL=" + d.Authn, "CLIENTELE_SYSTEM_URL=" + d.System, "CLIENTELE_DATA=" + t.TempDir(),
		"CLIENTELE_LISTEN=127.0.0.1:0", "CLIENTELE_TELEMETRY_LISTEN=off", "CLIENTELE_LOG_LEVEL=error",
	}
	const s3 = "--files-s3-endpoint=http://127.0.0.1:1"
	for _, c := range []struct {
		args []string
		says []string
	}{
		{[]string{"--files-dir", plain}, []string{"--files-dir", "硬链接"}},
		{[]string{"--files-dir", t.TempDir(), s3}, []string{"only one of --files-dir"}},
		{[]string{s3}, []string{"the S3 store cannot be used", "bucket"}},
		{[]string{s3, "--files-s3-bucket=b", "--files-s3-access-key=a", "--files-s3-secret-key=very-secret"}, []string{"the S3 store cannot be used", "If-None-Match"}},
		{[]string{"--files-s3-endpoint=no-url", "--files-s3-bucket=b"}, []string{"https://host[:port]"}},
		{[]string{"--clamd", filepath.Join(t.TempDir(), "none")}, []string{"clamd does not answer"}},
		{[]string{"--clamd", plain, "--scan", "none"}, []string{"only one of --clamd"}},
		{[]string{"--clamd", plain, "--scan-command", "x"}, []string{"only one of --clamd"}},
		{[]string{"--watermark-font", plain}, []string{"fonts-droid-fallback"}},
		{[]string{"--files-max-size", "0"}, []string{"more than 0"}},
		{[]string{"--files-temp", plain}, []string{"--files-temp"}},
	} {
		code, _, errs := run(t, environ, append([]string{"serve"}, c.args...)...)
		if code != exitFailed {
			t.Errorf("%v: %d", c.args, code)
		}
		for _, s := range append(c.says, "错误：", "办法：", "remedy:") {
			if !strings.Contains(errs, s) {
				t.Errorf("%v: %q is missing: %s", c.args, s, errs)
			}
		}
		if strings.Contains(errs, "very-secret") {
			t.Errorf("%v: a secret is said: %s", c.args, errs)
		}
	}
}

func TestHelpNamesTheFileSettings(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"serve", "demo"} {
		_, out, _ := run(t, nil, command, "--help")
		for _, name := range []string{
			"FILES_DIR", "FILES_MAX_SIZE", "FILES_S3_ENDPOINT", "FILES_S3_BUCKET", "FILES_S3_REGION", "FILES_S3_PREFIX", "FILES_S3_ACCESS_KEY", "FILES_S3_SECRET_KEY",
			"CLAMD", "SCAN_COMMAND", "SCAN", "WATERMARK_FONT", "FILES_TEMP",
		} {
			if !strings.Contains(out, "[$CLIENTELE_"+name+"]") {
				t.Errorf("%s --help does not name CLIENTELE_%s", command, name)
			}
		}
		if strings.Contains(out, "workshop") {
			t.Errorf("%s --help names what is no command for people", command)
		}
	}
}

// Without a scanner the program serves, and says what that means; without any place for files too.
func TestServingWithoutAScannerOrAPlaceForFiles(t *testing.T) {
	t.Parallel()
	d := testkit.NewDatabase(t)
	_, key, _ := run(t, nil, "audit", "new-key")
	private, _, _ := strings.Cut(key, "\n")
	for _, c := range []struct{ data, flag, says string }{
		{t.TempDir(), "--scan=required", "no scanner is configured"},
		{t.TempDir(), "--scan=none", ""},
		{"/dev/null/data", "--scan=none", "no files can be uploaded"},
	} {
		p := start(t, []string{
			"CLIENTELE_DATABASE_URL=" + d.App, "CLIENTELE_AUTHN_URL=" + d.Authn, "CLIENTELE_SYSTEM_URL=" + d.System, "CLIENTELE_DATA=" + c.data, "CLIENTELE_AUDIT_KEY=" + private,
			"CLIENTELE_CURSOR_KEY=00112233445566778899aabbccddeeff", "CLIENTELE_LISTEN=127.0.0.1:0", "CLIENTELE_TELEMETRY_LISTEN=off",
		}, "serve", c.flag)
		p.await(`msg=(serving)`)
		for _, warning := range []string{"no scanner is configured", "no files can be uploaded"} {
			if got := strings.Contains(p.stderr.String(), warning); got != (warning == c.says) {
				t.Errorf("%s: %q is said: %v: %s", c.flag, warning, got, p.stderr.String())
			}
		}
		if info, err := os.Stat(filepath.Join(c.data, "files")); (err == nil) != (c.data != "/dev/null/data") || err == nil && info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v", c.flag, info, err)
		}
		if code := p.end(); code != exitOK {
			t.Errorf("%s: ended with %d: %s", c.flag, code, p.stderr.String())
		}
	}
}

//go:build deploy

package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// instruction is a line of a Containerfile.
type instruction struct{ name, rest string }

func instructions(text string) []instruction {
	var out []instruction
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		out = append(out, instruction{strings.ToUpper(name), strings.TrimSpace(rest)})
	}
	return out
}

// flaws are what makes an image unfit: of the last stage, which is what runs.
func flaws(text string) []string {
	var out []string
	var user, entry, base string
	for _, i := range instructions(text) {
		switch i.name {
		case "FROM":
			base, user, entry = i.rest, "", ""
		case "USER":
			user = i.rest
		case "ENTRYPOINT":
			entry = i.rest
		case "RUN", "ADD":
			if base == "scratch" {
				out = append(out, i.name+" in the last stage")
			}
		}
	}
	if base != "scratch" {
		out = append(out, "the last stage is "+base)
	}
	if !regexp.MustCompile(`^[1-9]\d{3,}:[1-9]\d{3,}$`).MatchString(user) {
		out = append(out, "runs as "+user)
	}
	var args []string
	if json.Unmarshal([]byte(entry), &args) != nil || len(args) == 0 || !filepath.IsAbs(args[0]) {
		out = append(out, "the entry point is a shell's: signals do not arrive")
	}
	return out
}

func TestImage(t *testing.T) {
	t.Parallel()
	text := read(t, "Containerfile")
	if found := flaws(text); len(found) != 0 {
		t.Errorf("%q", found)
	}
	if n := len(flaws("FROM golang AS build\nFROM debian\nUSER 0\nENTRYPOINT clientele serve\n")); n != 3 {
		t.Errorf("the check finds %d of 3 flaws", n)
	}
	// The build command works as it stands, and what is copied from the stage is what it makes.
	var command string
	for _, i := range instructions(text) {
		if i.name == "RUN" && strings.Contains(i.rest, "go build") {
			command = i.rest
		}
	}
	if !strings.Contains(command, " -o /out/clientele ") || !strings.Contains(text, "COPY --from=build /out/clientele /usr/bin/clientele") {
		t.Fatalf("the build command: %q", command)
	}
	made := filepath.Join(t.TempDir(), "clientele")
	build := exec.Command("sh", "-euc", strings.ReplaceAll(command, "/out/clientele", made))
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// It runs with nothing around it: no libraries, no files, no zone data.
	root := t.TempDir()
	if err := os.Rename(made, filepath.Join(root, "clientele")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "version", "-m", filepath.Join(root, "clientele")).CombinedOutput(); err != nil || !strings.Contains(string(out), "CGO_ENABLED=0") {
		t.Errorf("%v: the binary needs libraries of the system\n%s", err, out)
	}
	if out, err := runToEnd(nil, filepath.Join(root, "clientele"), "version"); err != nil || !strings.HasPrefix(out, "clientele ") {
		t.Errorf("%v %s", err, out)
	}
}

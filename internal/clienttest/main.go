// Command clienttest runs real client libraries and the public audits, from the package registry of Node, against a
// started server with made-up data, or against a running one. It owns no rule; what it finds wrong is mended in package serve.
//
// Run it from the top of the module, with node 20 or later on PATH: go run ./internal/clienttest
//
// With -url, and in the environment TOKEN of somebody who may open departments, it runs the audits and what needs no made-up data
// (running.mjs) against the server at that URL.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/servetest"
)

const dir = "internal/clienttest"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	url := flag.String("url", "", "of the endpoint of a running server, whose bearer token is in TOKEN")
	flag.Parse()
	if err := run(ctx, *url, os.Getenv("TOKEN")); err != nil {
		fmt.Fprintln(os.Stderr, "clienttest:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url, token string) error {
	if (url == "") != (token == "") {
		return errors.New("a running server is given by half: set -url and TOKEN, or neither")
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); errors.Is(err, fs.ErrNotExist) {
		if err := command(ctx, nil, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
			return err
		}
	}
	if url != "" {
		return node(ctx, []string{"URL=" + url, "TOKEN=" + token}, "audits.test.mjs", "running.mjs")
	}
	s, err := servetest.New("127.0.0.1:0", func(o *graph.Options) { o.Limits.Recheck = 50 * time.Millisecond })
	if err != nil {
		return err
	}
	defer s.Close()
	s.Sign("short", "00000000-0000-0000-0000-00000000000a", time.Now().Add(time.Hour))
	tests, err := filepath.Glob(filepath.Join(dir, "*.test.mjs"))
	if err != nil || len(tests) == 0 {
		return fmt.Errorf("no tests: %w", err)
	}
	for i, t := range tests {
		tests[i] = filepath.Base(t)
	}
	return node(ctx, []string{"URL=" + s.URL, "TOKEN=" + servetest.Token, "CLIENT=" + servetest.ClientID(1)}, tests...)
}

func node(ctx context.Context, env []string, tests ...string) error {
	return command(ctx, env, "node", append([]string{"--test", "--test-reporter=spec"}, tests...)...)
}

func command(ctx context.Context, env []string, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env, c.Stdout, c.Stderr = dir, append(os.Environ(), env...), os.Stdout, os.Stderr
	return c.Run()
}

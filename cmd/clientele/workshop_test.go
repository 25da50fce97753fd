package main

import (
	"context"
	"os"
	"testing"
)

// TestMain: the test's program is its own workshop, as the program is.
func TestMain(m *testing.M) {
	if os.Getenv("CLIENTELE_WORKSHOP") != "" {
		os.Exit(Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr, os.Environ()))
	}
	os.Exit(m.Run())
}

// Command clientele is the whole product in one binary: it serves the API, makes demo data, migrates and makes tenants.
// This package owns wiring and the command line alone; every rule lives in the packages that it joins.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // time zones of tenants, on machines and images that have none
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := Main(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Environ())
	stop()
	os.Exit(code)
}

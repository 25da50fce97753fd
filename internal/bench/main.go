package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// options are the driver's flags.
type options struct {
	sizes  []int
	rounds int
	scale  float64
	dir    string
	only   string
	into   string // folder of profiles
	listen bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if side := os.Getenv(sideVariable); side != "" {
		exit(serveSide(ctx, side))
		return
	}
	var o options
	sizes := flag.String("sizes", "2000,200000", "numbers of clients in the tenant")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of floor, product, product, floor")
	flag.Float64Var(&o.scale, "scale", 1, "times the usual number of requests in a round")
	flag.StringVar(&o.dir, "dir", "", "keep the cluster with its data in this folder for the next run")
	flag.StringVar(&o.only, "only", "", "only measurements whose name contains this")
	flag.StringVar(&o.into, "profile", "", "write processor profiles of both sides for each measurement into this folder, instead of measuring")
	flag.BoolVar(&o.listen, "wait", false, "start the servers of the first size, print their addresses, and wait")
	plans := flag.Bool("plans", false, "with scopes: print the plans too")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "bench [flags]: the product against the floor\nbench [flags] scopes: the database's time of the first page under every scope, at the largest size\nbench [flags] policy: decisions beside casbin's, and the memory of tenants in which nobody works")
		flag.PrintDefaults()
	}
	flag.Parse()
	for _, s := range strings.Split(*sizes, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 100 {
			fmt.Fprintln(os.Stderr, "bench: -sizes takes numbers from 100 on")
			os.Exit(2)
		}
		o.sizes = append(o.sizes, n)
	}
	switch flag.Arg(0) {
	case "":
		exit(run(ctx, &o))
	case "policy":
		exit(runPolicy(ctx, &o))
	case "scopes":
		exit(runScopes(ctx, &o, *plans))
	default:
		flag.Usage()
		os.Exit(2)
	}
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// run is the driver.
func run(ctx context.Context, o *options) (err error) {
	c, err := openCluster(ctx, o.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	var t table
	for _, n := range o.sizes {
		if err := c.prepare(ctx, n); err != nil {
			return err
		}
		if err := measure(ctx, o, c, n, &t); err != nil {
			return err
		}
	}
	t.growth(o.sizes)
	if o.only != "" || o.into != "" || o.listen {
		return nil
	}
	return rights(ctx, c)
}

// measure runs every shape as every role on one size.
func measure(ctx context.Context, o *options, c *cluster, clients int, t *table) (err error) {
	d, err := newDriver(ctx, c, clients)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close(ctx)) }()
	var sides [2]*process
	for i, name := range []string{"floor", "product"} {
		if sides[i], err = startSide(name, c, clients, o); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, sides[i].stop()) }()
	}
	sides[0].other, sides[1].other = sides[1], sides[0]
	if o.listen {
		return wait(ctx, d, sides, clients)
	}
	t.head(clients)
	for _, s := range shapes() {
		for _, r := range roles(clients) {
			name := s.title + " / " + r.key
			if !s.may(r) || !strings.Contains(name, o.only) {
				continue
			}
			if err := cell(ctx, o, d, sides, clients, &s, r, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// cell measures one shape as one role: rounds of floor, product, product, floor, after a warm-up of both.
func cell(ctx context.Context, o *options, d *driver, sides [2]*process, clients int, s *shape, r role, t *table) error {
	numbers, versions, err := d.clientsOf(ctx, r)
	if err != nil {
		return err
	}
	src := newSource(s, numbers)
	for i, v := range versions {
		src.changed(src.clients[i], v)
	}
	if err := d.same(ctx, sides[0], sides[1], r, src); err != nil {
		return err
	}
	count := max(int(float64(s.requests)*o.scale), 2*connections)
	for _, p := range sides {
		if _, err := d.round(ctx, p, r, src, max(count/3, 10*connections)); err != nil { // prepares and plans on every connection
			return err
		}
	}
	if o.into != "" {
		for _, p := range sides {
			if err := profile(ctx, o, d, p, r, src, count); err != nil {
				return err
			}
		}
		return nil
	}
	var samples [2][]sample
	for range o.rounds {
		for _, side := range []int{0, 1, 1, 0} {
			x, err := d.round(ctx, sides[side], r, src, count)
			if err != nil {
				return err
			}
			samples[side] = append(samples[side], x)
		}
	}
	t.row(clients, s, r, summary(samples[0]), summary(samples[1]))
	return nil
}

// profile takes eight seconds of processor time and then five of allocations of a side under load.
func profile(ctx context.Context, o *options, d *driver, p *process, r role, src *source, count int) error {
	done := make(chan error, 1)
	go func() {
		for _, kind := range []string{"profile?seconds=8", "allocs?seconds=5"} {
			body, err := p.get("/debug/pprof/" + kind)
			name, _, _ := strings.Cut(kind, "?")
			if err == nil {
				err = os.WriteFile(filepath.Join(o.into, p.name+"-"+src.shape.key+"-"+r.key+"."+name), body, 0o600)
			}
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for {
		select {
		case err := <-done:
			return err
		default:
			if _, err := d.round(ctx, p, r, src, count); err != nil {
				return err
			}
		}
	}
}

// wait prints where the servers are, for profiles by hand, until the program is stopped.
func wait(ctx context.Context, d *driver, sides [2]*process, clients int) error {
	for _, p := range sides {
		fmt.Println(p.name, p.work, p.control+"/debug/pprof/")
	}
	for _, r := range roles(clients) {
		fmt.Println(r.key, r.token)
	}
	<-ctx.Done()
	return nil
}

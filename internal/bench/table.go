package main

import (
	"fmt"
	"slices"
	"time"
)

// figuresOf is a side's medians over its rounds, of one shape as one role.
type figuresOf struct {
	server, database, p50, p99 time.Duration
	allocs                     float64
}

func summary(samples []sample) figuresOf {
	return figuresOf{
		server:   median(samples, func(s *sample) time.Duration { return s.server }),
		database: median(samples, func(s *sample) time.Duration { return s.database }),
		p50:      median(samples, func(s *sample) time.Duration { return quantile(s.took, 0.50) }),
		p99:      median(samples, func(s *sample) time.Duration { return quantile(s.took, 0.99) }),
		allocs:   median(samples, func(s *sample) float64 { return s.allocs }),
	}
}

func median[T time.Duration | float64](samples []sample, of func(*sample) T) T {
	all := make([]T, len(samples))
	for i := range samples {
		all[i] = of(&samples[i])
	}
	slices.Sort(all)
	if n := len(all); n%2 == 0 {
		return (all[n/2-1] + all[n/2]) / 2
	}
	return all[len(all)/2]
}

// quantile of sorted values: the least that at least this part of them does not exceed.
func quantile(sorted []time.Duration, part float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(part*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// table prints rows as they come and keeps them for the comparison of sizes.
type table struct {
	kept  map[string]map[int][2]figuresOf // by name and size
	order []string
}

func (t *table) head(clients int) {
	fmt.Printf("\n%d clients. Product / floor; microseconds of the floor and of the product for each request in brackets.\n", clients)
	fmt.Printf("%-48s %-16s | %-20s | %-20s | %-21s | %-20s | %s\n", "operation", "role", "server CPU", "database CPU", "allocations", "p50", "p99")
}

func (t *table) row(clients int, s *shape, r role, floor, product figuresOf) {
	if t.kept == nil {
		t.kept = map[string]map[int][2]figuresOf{}
	}
	name := fmt.Sprintf("%-48s %-16s", s.title, r.key)
	if t.kept[name] == nil {
		t.kept[name] = map[int][2]figuresOf{}
		t.order = append(t.order, name)
	}
	t.kept[name][clients] = [2]figuresOf{floor, product}
	fmt.Printf("%s | %s | %s | %5.2f (%6.0f %6.0f) | %s | %s\n", name, times(floor.server, product.server), times(floor.database, product.database),
		product.allocs/floor.allocs, floor.allocs, product.allocs, times(floor.p50, product.p50), times(floor.p99, product.p99))
}

func times(floor, product time.Duration) string {
	return fmt.Sprintf("%5.2f (%5d %6d)", ratio(floor, product), floor.Microseconds(), product.Microseconds())
}

func ratio(a, b time.Duration) float64 { return float64(b) / float64(max(a, 1)) }

// growth compares the largest size with the smallest.
func (t *table) growth(sizes []int) {
	if len(sizes) < 2 {
		return
	}
	least, most := slices.Min(sizes), slices.Max(sizes)
	fmt.Printf("\nThe product at %d clients / at %d, and the floor's own ratio in brackets.\n", most, least)
	fmt.Printf("%-48s %-16s | %-15s | %s\n", "operation", "role", "server CPU", "database CPU")
	for _, name := range t.order {
		a, b := t.kept[name][least], t.kept[name][most]
		fmt.Printf("%s | %5.2f (%5.2f)   | %5.2f (%5.2f)\n", name, ratio(a[1].server, b[1].server), ratio(a[0].server, b[0].server),
			ratio(a[1].database, b[1].database), ratio(a[0].database, b[0].database))
	}
}

package main

import (
	"os"
	"testing"
	"time"

	"github.com/clientele/clientele/internal/id"
)

func TestQuantileIsTheLeastThatCoversThePart(t *testing.T) {
	t.Parallel()
	sorted := make([]time.Duration, 100)
	for i := range sorted {
		sorted[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		part float64
		want time.Duration
	}{{0, 1}, {0.5, 50}, {0.99, 99}, {1, 100}} {
		if got := quantile(sorted, c.part); got != c.want {
			t.Errorf("quantile %v is %d, want %d", c.part, got, c.want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("quantile of nothing is %d", got)
	}
}

func TestMedianOfEvenAndOdd(t *testing.T) {
	t.Parallel()
	of := func(s *sample) float64 { return s.allocs }
	if got := median([]sample{{allocs: 9}, {allocs: 1}, {allocs: 4}}, of); got != 4 {
		t.Errorf("median is %v, want 4", got)
	}
	if got := median([]sample{{allocs: 9}, {allocs: 1}, {allocs: 4}, {allocs: 2}}, of); got != 3 {
		t.Errorf("median is %v, want 3", got)
	}
}

// A process' own clock must move with its work, or every ratio would be of nothing.
func TestProcessorTimeMoves(t *testing.T) {
	t.Parallel()
	before, err := cpu(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	var sum [32]byte
	for i := range 200_000 {
		sum[i%32] += byte(i)
	}
	after, err := cpu(os.Getpid())
	if err != nil || after <= before {
		t.Errorf("processor time went from %v to %v (%v), sum %x", before, after, err, sum[0])
	}
	if _, err := cpu(4_194_303); err == nil {
		t.Error("a process that does not exist has processor time")
	}
}

func TestWorkersWriteToClientsOfTheirOwn(t *testing.T) {
	t.Parallel()
	numbers := make([]int64, 96)
	for i := range numbers {
		numbers[i] = int64(i + 1)
	}
	for _, s := range shapes() {
		if !s.writes {
			continue
		}
		src := newSource(&s, numbers)
		owner := map[string]int{}
		for n := range 400 {
			_, client := src.variables(n, "x")
			if w, ok := owner[client]; ok && w != n%connections {
				t.Fatalf("%s is written by workers %d and %d", client, w, n%connections)
			}
			owner[client] = n % connections
		}
		if len(owner) != len(numbers) {
			t.Errorf("%d clients are written, want %d", len(owner), len(numbers))
		}
	}
}

func TestMadeIDsAreOfTheirKind(t *testing.T) {
	t.Parallel()
	a, b := rowID(1, ofClient, 7), rowID(2, ofClient, 7)
	if a == b || a == rowID(1, ofContact, 7) || a.String() != "00000001-000b-7000-8000-000000000007" {
		t.Errorf("made ids %s and %s", a, b)
	}
	if _, err := id.Parse(id.Client, id.Encode(id.Client, a)); err != nil {
		t.Error(err)
	}
}

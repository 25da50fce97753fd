package limit

import (
	"sync"
	"time"
)

// Buckets are leaky buckets by key: points pour in, flow out at a steady rate, and what does not fit is refused.
// The key's type carries the tenant where the points are a tenant's. An empty bucket is forgotten, so the memory
// follows those who were active lately. It is safe for concurrent use.
type Buckets[K comparable] struct {
	capacity, leak float64
	most           int
	now            func() time.Time

	mu   sync.Mutex
	m    map[K]bucket
	next time.Time // of the next sweep
}

type bucket struct {
	level float64
	at    time.Time
}

// NewBuckets makes buckets that hold capacity points and lose leak points a second. At most `most` keys are held at
// once; beyond that, keys that are not held share one bucket, so a flood of keys cannot take the memory.
func NewBuckets[K comparable](capacity int, leak float64, most int, now func() time.Time) *Buckets[K] {
	return &Buckets[K]{capacity: float64(capacity), leak: leak, most: most, now: now, m: map[K]bucket{}}
}

// Spent is what a caller may know of its bucket.
type Spent struct {
	OK        bool
	Remaining int           // points that still fit
	Retry     time.Duration // until the refused points fit; 0 when they did
	Reset     time.Duration // until the bucket is empty
}

// Take pours points into a key's bucket, or refuses and leaves it as it was.
func (b *Buckets[K]) Take(key K, points int) Spent {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if now.After(b.next) {
		b.sweep(now)
	}
	if _, held := b.m[key]; !held && len(b.m) >= b.most {
		var shared K
		key = shared
	}
	level := b.level(b.m[key], now)
	s := Spent{OK: level+float64(points) <= b.capacity}
	if s.OK {
		level += float64(points)
	} else {
		s.Retry = b.flow(level + float64(points) - b.capacity)
	}
	b.m[key] = bucket{level: level, at: now}
	s.Remaining, s.Reset = int(b.capacity-level), b.flow(level)
	return s
}

func (b *Buckets[K]) level(k bucket, now time.Time) float64 {
	return max(0, k.level-b.leak*max(0, now.Sub(k.at).Seconds()))
}

func (b *Buckets[K]) flow(points float64) time.Duration {
	return time.Duration(points / b.leak * float64(time.Second))
}

func (b *Buckets[K]) sweep(now time.Time) {
	for k, v := range b.m {
		if b.level(v, now) == 0 {
			delete(b.m, k)
		}
	}
	b.next = now.Add(30 * time.Second)
}

// Len is the number of keys held.
func (b *Buckets[K]) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.m)
}

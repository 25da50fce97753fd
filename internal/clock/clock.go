// Package clock owns the process's idea of now: the wall clock plus an offset that a demo or a test may move.
// It does not decide rights or deadlines: those use the time of the database transaction (tenancy.Tx.Now).
package clock

import (
	"sync/atomic"
	"time"
)

// Clock is the wall clock plus an offset. The zero value has no offset and is ready for use; it must not be copied.
type Clock struct{ offset atomic.Int64 }

// New gives a clock without offset.
func New() *Clock { return &Clock{} }

// Now is the wall clock plus the offset, in UTC. It is for rate limits, telemetry and cookies only.
func (c *Clock) Now() time.Time { return time.Now().UTC().Add(c.Offset()) }

// Offset is how far this clock is ahead of the wall clock.
func (c *Clock) Offset() time.Duration { return time.Duration(c.offset.Load()) }

// SetOffset moves the clock; it is seen by every goroutine at once.
func (c *Clock) SetOffset(d time.Duration) { c.offset.Store(int64(d)) }

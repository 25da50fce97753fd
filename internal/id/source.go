package id

import (
	"encoding/binary"
	"io"
	"sync"
	"time"
)

// Source makes UUIDv7s that never go back within one source, whatever its clock does. It is safe for concurrent use.
// In production it has the wall clock and crypto/rand; a demo injects both and gets the same ids every time.
type Source struct {
	mu     sync.Mutex
	now    func() time.Time
	random io.Reader
	last   uint64 // milliseconds << 12 | counter of 12 bits, as RFC 9562 section 6.2, method 1
}

// NewSource binds a source to a clock and a reader of random bytes.
func NewSource(now func() time.Time, random io.Reader) *Source {
	return &Source{now: now, random: random}
}

// New gives the next id. It panics when the random reader fails, as crypto/rand does: an id must never be guessable.
func (s *Source) New() UUID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var tail [10]byte
	if _, err := io.ReadFull(s.random, tail[:]); err != nil {
		panic("id: random source failed: " + err.Error())
	}
	// A fresh millisecond starts its counter at a random number below 2048, so 2048 more fit before it borrows from
	// the next millisecond.
	next := uint64(max(s.now().UnixMilli(), 0))<<12 | uint64(binary.BigEndian.Uint16(tail[8:])&0x7ff)
	if next <= s.last {
		next = s.last + 1
	}
	s.last = next
	var u UUID
	ms := next >> 12
	u[0], u[1], u[2], u[3], u[4], u[5] = byte(ms>>40), byte(ms>>32), byte(ms>>24), byte(ms>>16), byte(ms>>8), byte(ms)
	u[6] = 0x70 | byte(next>>8)&0x0f
	u[7] = byte(next)
	copy(u[8:], tail[:8])
	u[8] = 0x80 | u[8]&0x3f
	return u
}

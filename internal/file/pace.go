package file

import "time"

// pace holds a transfer to a speed: a deadline that moves with the bytes, at most Idle ahead, and an end for the whole of
// it. A peer that trickles keeps a place for so long and no longer.
type pace struct {
	idle     time.Duration
	end      time.Time
	deadline func(time.Time) error
	now      func() time.Time
}

func newPace(l Limits, size int64, deadline func(time.Time) error) *pace {
	now := time.Now
	return &pace{idle: l.Idle, end: now().Add(l.Idle + time.Duration(size/l.Rate+1)*time.Second), deadline: deadline, now: now}
}

// step is called before each piece.
func (p *pace) step() error {
	at := p.now().Add(p.idle)
	if at.After(p.end) {
		at = p.end
	}
	return p.deadline(at)
}

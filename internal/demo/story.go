package demo

import (
	"container/heap"
	"context"
	"fmt"
	"time"
)

// event is something that happens at its time in the story; what it does may make more events.
type event struct {
	at  time.Time
	seq int // of two at one time the one that was told first
	do  func(context.Context) error
}

// story is what is still to happen, in its order.
type story struct {
	list []event
	told int
}

func (t *story) Len() int { return len(t.list) }
func (t *story) Less(i, j int) bool {
	if t.list[i].at.Equal(t.list[j].at) {
		return t.list[i].seq < t.list[j].seq
	}
	return t.list[i].at.Before(t.list[j].at)
}
func (t *story) Swap(i, j int) { t.list[i], t.list[j] = t.list[j], t.list[i] }
func (t *story) Push(x any)    { t.list = append(t.list, x.(event)) }
func (t *story) Pop() any {
	last := t.list[len(t.list)-1]
	t.list = t.list[:len(t.list)-1]
	return last
}

// then tells of something that happens between least and most days after now, in working hours.
func (s *scene) then(t *story, least, most float64, do func(context.Context) error) {
	days := least + s.random.Float64()*(most-least)
	s.at(t, s.now.Add(time.Duration(days*24*float64(time.Hour))), do)
}

func (s *scene) at(t *story, at time.Time, do func(context.Context) error) {
	t.told++
	// Whole minutes: what a run takes longer than another never shows but in seconds.
	heap.Push(t, event{workingHour(at).Truncate(time.Minute), t.told, do})
}

// workingHour moves an instant into 9 to 18 o'clock in China, Monday to Friday. It never goes back.
func workingHour(at time.Time) time.Time {
	local := at.In(china())
	if h := local.Hour(); h < 9 || h >= 18 {
		shift := (33 - h) % 24
		local = local.Add(time.Duration(shift) * time.Hour)
	}
	for local.Weekday() == time.Saturday || local.Weekday() == time.Sunday {
		local = local.AddDate(0, 0, 1)
	}
	return local.UTC()
}

func china() *time.Location { return time.FixedZone("UTC+8", 8*3600) }

// play lets happen what happens before the story's end.
func (s *scene) play(ctx context.Context, t *story) error {
	for t.Len() > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		e, ok := heap.Pop(t).(event)
		if !ok {
			return fmt.Errorf("demo: the story holds something else")
		}
		if !e.at.Before(s.until) {
			return nil
		}
		if e.at.After(s.now) {
			s.now = e.at
		}
		s.pass(time.Second)
		if err := e.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

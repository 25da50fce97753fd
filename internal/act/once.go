package act

import (
	"errors"
	"fmt"
)

// ErrNotOnce: a write met another number of rows than the one that was read. Acts hold a lock on what they read, so that is
// a defect, not a race.
var ErrNotOnce = errors.New("not exactly one row was written")

// Once makes sure of a write that exactly the row that was read was written; it takes what a builder's Save returns.
func Once(n int, err error) error {
	if err == nil && n != 1 {
		err = ErrNotOnce
	}
	if err != nil {
		return fmt.Errorf("act: write: %w", err)
	}
	return nil
}

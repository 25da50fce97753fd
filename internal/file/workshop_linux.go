package file

import (
	"fmt"
	"syscall"
)

// Limits of one job: memory that is written to, processor time in seconds, bytes of its result.
const (
	jobMemory  = 1 << 30
	jobSeconds = 60
	jobOutput  = 1 << 30
)

// confine makes this process one that can do little harm, for good.
func confine() error {
	for what, limit := range map[int]uint64{
		syscall.RLIMIT_DATA: jobMemory, syscall.RLIMIT_CPU: jobSeconds, syscall.RLIMIT_FSIZE: jobOutput, syscall.RLIMIT_CORE: 0,
	} {
		if err := syscall.Setrlimit(what, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("file: limit %d: %w", what, err)
		}
	}
	return nil
}

package file

import (
	"fmt"
	"os"
	"syscall"
)

// Limits of one job: memory that is written to, processor time in seconds, bytes of its result.
const (
	jobMemory  = 640 << 20
	jobSeconds = 60
	jobOutput  = 1 << 30
)

// confine makes this process one that can do little harm, for good.
func confine() error {
	// Where memory runs out for all, this process goes first. A system without the setting goes without.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	for what, limit := range map[int]uint64{
		syscall.RLIMIT_DATA: jobMemory, syscall.RLIMIT_CPU: jobSeconds, syscall.RLIMIT_FSIZE: jobOutput, syscall.RLIMIT_CORE: 0,
	} {
		if err := syscall.Setrlimit(what, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("file: limit %d: %w", what, err)
		}
	}
	return nil
}

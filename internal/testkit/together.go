package testkit

import "sync"

// Together starts all acts at one moment and gives what each of them answered.
func Together(acts ...func() error) []error {
	var all sync.WaitGroup
	gate, out := make(chan struct{}), make([]error, len(acts))
	for i, do := range acts {
		all.Go(func() {
			<-gate
			out[i] = do()
		})
	}
	close(gate)
	all.Wait()
	return out
}

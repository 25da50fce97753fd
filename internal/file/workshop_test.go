package file

import (
	"fmt"
	"os"
	"testing"
)

// TestMain: the test's program is its own workshop.
func TestMain(m *testing.M) {
	if os.Getenv(workshopMark) != "" {
		if err := RunWorkshop(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/clientele/clientele/internal/clock"
)

func TestNowIsWallPlusOffset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := clock.New()
		wall := time.Now().UTC()
		if got := c.Now(); !got.Equal(wall) || got.Location() != time.UTC {
			t.Fatalf("got %v, want %v", got, wall)
		}
		c.SetOffset(-36 * time.Hour)
		if got, want := c.Now(), wall.Add(-36*time.Hour); !got.Equal(want) || c.Offset() != -36*time.Hour {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

package id_test

import (
	"bytes"
	"crypto/rand"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/clientele/clientele/internal/id"
)

func TestKnownForms(t *testing.T) {
	t.Parallel()
	// Facts of the TypeID specification's own table of valid cases.
	for text, inner := range map[string]string{
		"prefix_00000000000000000000000000": "00000000-0000-0000-0000-000000000000",
		"prefix_00000000000000000000000001": "00000000-0000-0000-0000-000000000001",
		"prefix_7zzzzzzzzzzzzzzzzzzzzzzzzz": "ffffffff-ffff-ffff-ffff-ffffffffffff",
		"prefix_0123456789abcdefghjkmnpqrs": "0110c853-1d09-52d8-d73e-1194e95b5f19",
		"prefix_01h455vb4pex5vsknk084sn02q": "01890a5d-ac96-774b-bcce-b302099a8057",
	} {
		u := uuid.MustParse(inner)
		if got := id.Encode("prefix", u); got != text {
			t.Errorf("Encode(%s) = %s, want %s", inner, got, text)
		}
		if p, got, err := id.Decode(text); err != nil || p != "prefix" || got != u {
			t.Errorf("Decode(%s) = %s %s %v", text, p, got, err)
		}
	}
}

func TestRoundTripAndOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "a"))
		b := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "b"))
		ta, tb := id.Encode(id.Client, a), id.Encode(id.Client, b)
		if got, err := id.Parse(id.Client, ta); err != nil || got != a {
			t.Fatalf("%s: %v %v", ta, got, err)
		}
		if strings.Compare(ta, tb) != bytes.Compare(a[:], b[:]) {
			t.Fatal("the text does not sort as the id")
		}
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	good := "cli_01h455vb4pex5vsknk084sn02q"
	if _, err := id.Parse(id.Contract, good); err == nil {
		t.Error("another type's id was accepted")
	}
	for _, s := range []string{
		"", "_", "cli_", "cli", good[:29], good + "0", strings.ToUpper(good), "CLI" + good[3:], "_" + good[4:], good[4:],
		"cli-01h455vb4pex5vsknk084sn02q", "cli_81h455vb4pex5vsknk084sn02q", "cli_01h455vb4pex5vsknk084sn02u",
		"cli_01h455vb4pex5vsknk084sn02l", "cli_01h455vb4pex5vsknk084sn02\x00", "c1i_01h455vb4pex5vsknk084sn02q",
		strings.Repeat("a", 64) + good[3:],
	} {
		if _, u, err := id.Decode(s); err == nil || u != (id.UUID{}) {
			t.Errorf("Decode(%q) = %v, %v", s, u, err)
		}
	}
}

func TestEveryOtherSpellingIsRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[a-z]{1,3}_[0-9a-zA-Z]{25,27}`).Draw(t, "s")
		if p, u, err := id.Decode(s); err == nil && id.Encode(p, u) != s {
			t.Fatalf("%s has a second spelling", s)
		}
	})
}

func TestSourceNeverGoesBack(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	now := at
	s := id.NewSource(func() time.Time { return now }, rand.Reader)
	var prev id.UUID
	for i := range 10000 {
		if i == 5000 {
			now = at.Add(-time.Hour)
		}
		u := s.New()
		if bytes.Compare(u[:], prev[:]) <= 0 {
			t.Fatalf("%s after %s", u, prev)
		}
		if u.Version() != 7 || u.Variant() != uuid.RFC4122 {
			t.Fatalf("%s is no UUIDv7", u)
		}
		prev = u
	}
}

func TestSourceIsDeterministicWhenInjected(t *testing.T) {
	t.Parallel()
	draw := func() (ids []id.UUID) {
		at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
		s := id.NewSource(func() time.Time { return at }, mathrand.NewChaCha8([32]byte{7}))
		for range 100 {
			ids = append(ids, s.New())
		}
		return ids
	}
	if !slices.Equal(draw(), draw()) {
		t.Fatal("two seeded sources differ")
	}
}

func TestSourceIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	s := id.NewSource(time.Now, rand.Reader)
	var mu sync.Mutex
	seen := map[id.UUID]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				u := s.New()
				mu.Lock()
				seen[u] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != 4000 {
		t.Fatalf("%d different ids of 4000", len(seen))
	}
}

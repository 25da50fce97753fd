package credential_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/credential"
)

func TestTokenRoundTrip(t *testing.T) {
	t.Parallel()
	for _, kind := range []credential.Kind{credential.APIToken, credential.Session} {
		token, hash, display, err := credential.New(kind, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		got, gotHash, err := credential.Parse(token)
		if err != nil || got != kind || !bytes.Equal(gotHash, hash) || len(hash) != 32 {
			t.Fatalf("%s: %s %x %v", token, got, gotHash, err)
		}
		if !strings.HasPrefix(token, display) || len(display) != 12 || len(token) != 53 {
			t.Fatalf("%s shown as %s", token, display)
		}
	}
}

func TestMalformedTokensAreRefused(t *testing.T) {
	t.Parallel()
	token, _, _, err := credential.New(credential.APIToken, bytes.NewReader(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	other := "1" // the all-zero secret has no 1 in its body
	for _, s := range []string{
		"", token[:52], token + "0", "cls_" + token[4:], "xxx_" + token[4:], token[:10] + other + token[11:], token[:10] + "-" + token[11:],
		token[:52] + string(token[52]^1), strings.Repeat("é", 26) + "0",
	} {
		if _, _, err := credential.Parse(s); !errors.Is(err, credential.ErrMalformed) {
			t.Errorf("%q was accepted", s)
		}
	}
	if _, _, _, err := credential.New(credential.Session, strings.NewReader("short")); err == nil {
		t.Error("a failing random source made a token")
	}
}

func TestHashesAreOfOneKindOnly(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, h := range [][]byte{
		credential.SlugHash("acme"), credential.LoginHash("acme", "li"), credential.TokenHash("acme"), credential.SlugHash("acme/li"),
		credential.TokenHash("acme/li"), credential.LoginHash("acm", "e/li"),
	} {
		if seen[string(h)] {
			t.Fatalf("%x twice", h)
		}
		seen[string(h)] = true
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := credential.NewHasher(2)
	phc, err := h.HashPassword(ctx, "correct horse 电池")
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") || credential.NeedsRehash(phc) {
		t.Fatalf("%s %v", phc, err)
	}
	if ok, err := h.VerifyPassword(ctx, phc, "correct horse 电池"); !ok || err != nil {
		t.Fatalf("the right password: %v %v", ok, err)
	}
	if ok, err := h.VerifyPassword(ctx, phc, "correct horse 電池"); ok || err != nil {
		t.Fatalf("a wrong password: %v %v", ok, err)
	}
	if ok, err := h.VerifyPassword(ctx, "", ""); ok || err != nil {
		t.Fatalf("no account: %v %v", ok, err)
	}
	again, err := h.HashPassword(ctx, "correct horse 电池")
	if err != nil || again == phc {
		t.Fatalf("the same salt twice: %v", err)
	}
	one, _ := h.Fingerprint(ctx, "correct horse 电池", "a")
	same, _ := h.Fingerprint(ctx, "correct horse 电池", "a")
	two, _ := h.Fingerprint(ctx, "correct horse 电池", "b")
	if !bytes.Equal(one, same) || bytes.Equal(one, two) || len(one) != 16 {
		t.Fatalf("fingerprints %x %x %x", one, same, two)
	}
}

func TestMalformedHashesAreRefused(t *testing.T) {
	t.Parallel()
	h := credential.NewHasher(1)
	for _, phc := range []string{
		"x", "$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=18$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=9999999,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=64,t=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=64,t=1,p=1$!$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
	} {
		if ok, err := h.VerifyPassword(context.Background(), phc, "x"); ok || err == nil {
			t.Errorf("%s was accepted", phc)
		}
	}
}

func TestNothingIsHashedForACallerWhoHasGone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := credential.NewHasher(1).HashPassword(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// TestAKnownToken: tokens that were handed out stay good, whatever becomes of the code that reads them.
func TestAKnownToken(t *testing.T) {
	t.Parallel()
	token, _, _, err := credential.New(credential.Session, bytes.NewReader(bytes.Repeat([]byte{0xa5}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	if want := "cls_dHMOUNLh0UTx6gmQ9MHQdRUvZdbXMLLlzChlYYN1shx2hgT7d"; token != want {
		t.Errorf("%s, want %s", token, want)
	}
}

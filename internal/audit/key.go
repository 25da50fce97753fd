package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// KeyName is the name of keys that are generated; notes are signed under it.
const KeyName = "clientele-audit"

// Key signs checkpoints. Whoever holds it can make a forged trail look true: it stays outside the database.
type Key struct {
	signer note.Signer
	public string
}

// Public is the verifier key in the signed-note form, "name+hash+base64": what auditors are given.
func (k *Key) Public() string { return k.public }

// ParseKey reads a private Ed25519 key in the signed-note form, "PRIVATE+KEY+name+hash+base64".
func ParseKey(text string) (*Key, error) {
	text = strings.TrimSpace(text)
	signer, err := note.NewSigner(text)
	if err != nil {
		return nil, errors.New("audit: the signing key is no private key in the signed-note form (PRIVATE+KEY+name+hash+base64)")
	}
	data, err := base64.StdEncoding.DecodeString(strings.SplitN(text, "+", 5)[4])
	if err != nil || len(data) != 1+ed25519.SeedSize {
		return nil, errors.New("audit: the signing key is no Ed25519 key")
	}
	pub := ed25519.NewKeyFromSeed(data[1:]).Public().(ed25519.PublicKey)
	public, err := note.NewEd25519VerifierKey(signer.Name(), pub)
	if err != nil {
		return nil, fmt.Errorf("audit: signing key: %w", err)
	}
	return &Key{signer, public}, nil
}

// LoadKey reads a key file. SECURITY: a file that others may read is refused: its key may be known to those it is to convict.
func LoadKey(path string) (*Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("audit: signing key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("audit: the signing key %s may be read by others (mode %04o): chmod 600 it, and make a new one if others were on this machine", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("audit: signing key: %w", err)
	}
	return ParseKey(string(text))
}

// LoadOrCreateKey reads the key file or makes one, mode 0600, for the private server. Of two programs that make it at a
// time both get the same key.
func LoadOrCreateKey(path string) (*Key, error) {
	key, err := LoadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	private, _, err := note.GenerateKey(rand.Reader, KeyName)
	if err != nil {
		return nil, fmt.Errorf("audit: signing key: %w", err)
	}
	// CreateTemp makes files with mode 0600. The link makes the whole file appear at once, or not at all.
	tmp, err := os.CreateTemp(filepath.Dir(path), ".audit-key-*")
	if err != nil {
		return nil, fmt.Errorf("audit: signing key: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(private + "\n")
	if err == nil {
		err = tmp.Sync()
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Link(tmp.Name(), path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("audit: signing key: %w", err)
	}
	return LoadKey(path)
}

// Verifiers makes the list of keys that checkpoints are accepted from: the present one and those before it.
func Verifiers(public ...string) (note.Verifiers, error) {
	list := make([]note.Verifier, len(public))
	for i, p := range public {
		v, err := note.NewVerifier(strings.TrimSpace(p))
		if err != nil {
			return nil, fmt.Errorf("audit: verifier key %q: %w", p, err)
		}
		list[i] = v
	}
	return note.VerifierList(list...), nil
}

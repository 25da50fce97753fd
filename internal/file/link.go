package file

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
)

// Ask says what a link is for.
type Ask struct {
	File uuid.UUID
	// Purpose comes back in Click and in Opening: a reference such as "bor_…". It can be read in the URL, so it names
	// nobody. At most 200 bytes.
	Purpose string
}

// Link is a URL that is good for a short while.
type Link struct {
	Path  string    // "/files/fil_…?link=…", below the API's address
	Until time.Time // it is refused from then on
}

const maxPurpose = 200

// Link makes a link for the transaction's actor, who the caller has decided may read the file: no bearer token goes with
// it, so a browser can follow it. It ends with Limits.Link, with the actor's credential, and with the next change of
// policy or organisation. Errors: NOT_FOUND, INVALID_STATE (FILE_NOT_RECEIVED, FILE_NOT_SCANNED, FILE_INFECTED, FILE_GONE).
func (s *Service) Link(ctx context.Context, tx *tenancy.Tx, ask Ask) (Link, error) {
	f, err := s.Load(ctx, tx, ask.File)
	if err != nil {
		return Link{}, err
	}
	if err := f.servable(); err != nil {
		return Link{}, err
	}
	session := tx.Session()
	if session.Actor.Kind != tenancy.StaffActor && session.Actor.Kind != tenancy.AppActor {
		return Link{}, fmt.Errorf("file: a link for a %s actor", session.Actor.Kind)
	}
	scopes := strings.Join(session.Actor.Scopes, " ")
	if len(ask.Purpose) > maxPurpose || len(scopes) > 1000 {
		return Link{}, fmt.Errorf("file: a purpose of %d bytes, scopes of %d", len(ask.Purpose), len(scopes))
	}
	c := claim{
		tenant: session.Tenant, file: f.ID, actor: session.Actor, epochs: tx.Epochs(), until: tx.Now().Add(s.limits.Link).UTC().Truncate(time.Millisecond),
		scopes: scopes, purpose: ask.Purpose,
	}
	if _, err := io.ReadFull(s.random, c.nonce[:]); err != nil {
		return Link{}, fmt.Errorf("file: random source: %w", err)
	}
	return Link{Path: "/files/" + id.Encode(id.File, f.ID) + "?link=" + s.sign(c), Until: c.until}, nil
}

// claim is what a link says. SECURITY: all of it is under the signature, and none of it is secret or names a person.
type claim struct {
	tenant  tenancy.TenantID
	file    uuid.UUID
	actor   tenancy.Actor // without names
	epochs  tenancy.Epochs
	until   time.Time
	nonce   [8]byte
	scopes  string
	purpose string
}

// linkForm is the first byte of what is signed; another form gets another one.
const linkForm = 1

// linkPrefix tells a link's secret from others, for those who search logs.
const linkPrefix = "cll_"

func (s *Service) sign(c claim) string {
	kind := map[tenancy.ActorKind]byte{tenancy.StaffActor: 's', tenancy.AppActor: 'a'}[c.actor.Kind]
	credential := map[tenancy.CredentialKind]byte{tenancy.SessionCredential: 's', tenancy.TokenCredential: 't'}[c.actor.CredentialKind]
	b := []byte{linkForm, kind, credential}
	for _, u := range []uuid.UUID{c.tenant.UUID(), c.file, c.actor.Account, c.actor.Staff, c.actor.Credential} {
		b = append(b, u[:]...)
	}
	for _, n := range []int64{c.actor.Expires.UnixMilli(), c.epochs.Policy, c.epochs.Org, c.epochs.Revocation, c.until.UnixMilli()} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	b = append(b, c.nonce[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(c.scopes)))
	b = append(b, c.scopes...)
	b = append(b, c.purpose...)
	return linkPrefix + base64.RawURLEncoding.EncodeToString(append(b, s.mac(b)...))
}

func (s *Service) mac(b []byte) []byte {
	h := hmac.New(sha256.New, s.linkKey)
	h.Write(b)
	return h.Sum(nil)
}

const fixedLength = 3 + 5*16 + 5*8 + 8 + 2

// read is what the link says where this program's key signed it for the file.
func (s *Service) read(text string, file uuid.UUID) (claim, linkKey, bool) {
	var c claim
	text, ok := strings.CutPrefix(text, linkPrefix)
	if !ok || len(text) > 4096 {
		return c, linkKey{}, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < fixedLength+sha256.Size {
		return c, linkKey{}, false
	}
	b, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	// SECURITY: nothing of it is looked at before the signature is known to be right; in constant time.
	if !hmac.Equal(sum, s.mac(b)) || b[0] != linkForm {
		return c, linkKey{}, false
	}
	kinds := map[byte]tenancy.ActorKind{'s': tenancy.StaffActor, 'a': tenancy.AppActor}
	credentials := map[byte]tenancy.CredentialKind{'s': tenancy.SessionCredential, 't': tenancy.TokenCredential}
	c.actor.Kind, c.actor.CredentialKind = kinds[b[1]], credentials[b[2]]
	b = b[3:]
	for _, u := range []*uuid.UUID{(*uuid.UUID)(&c.tenant), &c.file, &c.actor.Account, &c.actor.Staff, &c.actor.Credential} {
		copy(u[:], b)
		b = b[16:]
	}
	numbers := make([]int64, 5)
	for i := range numbers {
		numbers[i] = int64(binary.BigEndian.Uint64(b))
		b = b[8:]
	}
	c.actor.Expires, c.until = time.UnixMilli(numbers[0]).UTC(), time.UnixMilli(numbers[4]).UTC()
	c.epochs = tenancy.Epochs{Policy: numbers[1], Org: numbers[2], Revocation: numbers[3]}
	copy(c.nonce[:], b)
	b = b[8:]
	n := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; n > len(b) {
		return c, linkKey{}, false
	}
	c.scopes, c.purpose = string(b[:n]), string(b[n:])
	c.actor.Scopes = strings.Fields(c.scopes)
	return c, linkKey{c.tenant, [sha256.Size]byte(sum)}, c.file == file && c.actor.Kind != "" && c.actor.CredentialKind != ""
}

// session is the one that the link was made for. Its credential counts as seen alive at the epoch of then: when that has
// moved, the transaction asks for it.
func (c claim) session(requestID, language string) *tenancy.Session {
	s := &tenancy.Session{Tenant: c.tenant, Actor: c.actor, RequestID: requestID, Language: language}
	s.VerifiedAt(c.epochs.Revocation)
	return s
}

// current refuses a link that time or a change has ended.
func (c claim) current(now time.Time, epochs tenancy.Epochs) error {
	switch {
	case !now.Before(c.until):
		return ended("LINK_EXPIRED")
	case c.epochs.Policy != epochs.Policy, c.epochs.Org != epochs.Org:
		return ended("LINK_OUTDATED")
	}
	return nil
}

// ended is the refusal of a link that was good once, or never: FORBIDDEN with LINK_INVALID, LINK_EXPIRED, LINK_OUTDATED,
// LINK_REVOKED or LINK_OF_ANOTHER.
func ended(reason string) *fault.Error {
	return fault.Forbidden(reason, fault.Text{ZH: "该下载链接已失效", EN: "this link is not good, or no longer"}, "",
		fault.Text{ZH: "请回到页面重新打开该文件", EN: "go back and open the file again"})
}

package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// Want is what somebody is about to upload.
type Want struct {
	Name      string    // as it is called on the sender's machine; a path before it is dropped
	MediaType string    // one of MediaTypes
	Size      int64     // bytes, 1 to Limits.Size
	SHA256    string    // 64 hexadecimal digits, of either case
	Original  uuid.UUID // what it belongs to; zero for nothing yet
}

// Validate reports all that is wrong; path is that of the input ("input.file"). Reasons: FILE_NAME_EMPTY, FILE_NAME_LENGTH,
// FILE_NAME_CHARACTERS, UNSUPPORTED_MEDIA_TYPE, FILE_SIZE, FILE_HASH.
func (s *Service) Validate(want Want, path string) error {
	_, _, list := s.check(want)
	for i := range list {
		list[i] = list[i].At(path + "." + list[i].Field)
	}
	return list.Err()
}

func (s *Service) check(want Want) (name string, hash [32]byte, list fault.List) {
	name, bad := cleanName(want.Name)
	if bad != nil {
		list = append(list, bad)
	}
	if _, ok := mediaOf(want.MediaType); !ok {
		var known []string
		for _, m := range MediaTypes() {
			known = append(known, m.Ending)
		}
		list = append(list, fault.Invalid("mediaType", "UNSUPPORTED_MEDIA_TYPE", fault.Text{ZH: "不接受该类型的文件", EN: "files of this type are not taken"},
			fault.Text{ZH: "可上传：" + strings.Join(known, " "), EN: "taken are: " + strings.Join(known, " ")}))
	}
	if want.Size < 1 || want.Size > s.limits.Size {
		most := strconv.FormatInt(s.limits.Size, 10)
		list = append(list, fault.Invalid("size", "FILE_SIZE", fault.Text{ZH: "文件大小须为 1 至 " + most + " 字节", EN: "a file has 1 to " + most + " bytes"}, fault.Text{}).With("limit", s.limits.Size))
	}
	b, err := hex.DecodeString(want.SHA256)
	if err != nil || len(b) != len(hash) {
		list = append(list, fault.Invalid("sha256", "FILE_HASH", fault.Text{ZH: "须为文件 SHA-256 的 64 位十六进制", EN: "it is the SHA-256 of the file in 64 hexadecimal digits"}, fault.Text{}))
	}
	copy(hash[:], b)
	return name, hash, list
}

// secretPrefix tells a ticket from other secrets, for those who search logs for them.
const secretPrefix = "clu_"

// Ticket makes the row of a file that is about to be uploaded, in the caller's act, and the secret that its bytes are sent
// with: PUT /files/{id}, headers Authorization and Upload-Ticket, within Limits.Ticket, once, by the same account. The
// secret is given out here alone: a replay of the act has none, and the caller's payload then says null. Who may upload
// what is the caller's decision. Errors: INVALID_INPUT as Validate says, with fields relative to the input.
func (s *Service) Ticket(ctx context.Context, w *act.Work, want Want) (File, string, error) {
	name, hash, list := s.check(want)
	if err := list.Err(); err != nil {
		return File{}, "", err
	}
	var random [20]byte
	if _, err := io.ReadFull(s.random, random[:]); err != nil {
		return File{}, "", fmt.Errorf("file: random source: %w", err)
	}
	f := File{
		Tenant: w.Session().Tenant, ID: w.IDs.New(), Original: want.Original, Name: name, MediaType: want.MediaType, Size: want.Size,
		SHA256: hash, State: Awaiting, Until: w.Now().Add(s.limits.Ticket), Version: 1,
	}
	secret := secretPrefix + hex.EncodeToString(random[:])
	if err := insert(ctx, w, &f, ticketHash(w.Session(), f.ID, secret)); err != nil {
		return File{}, "", err
	}
	return f, secret, nil
}

// ticketHash is what is stored of a secret. SECURITY: tenant, file and account are in it, so a ticket is good for nobody else.
func ticketHash(s *tenancy.Session, file uuid.UUID, secret string) []byte {
	h := sha256.New()
	h.Write([]byte("clientele upload ticket 1\n"))
	h.Write(s.Tenant[:])
	h.Write(file[:])
	h.Write(s.Actor.Account[:])
	h.Write([]byte(secret))
	return h.Sum(nil)
}

// Limits bound uploads, downloads and the work on files. Zero values mean DefaultLimits.
type Limits struct {
	Size      int64         // bytes of a file
	Ticket    time.Duration // life of a ticket
	Link      time.Duration // life of a link
	Uploads   int           // uploads that a process receives at once
	Downloads int           // downloads that a process sends at once
	Idle      time.Duration // without a byte moving, after which a transfer is broken off
	Rate      int64         // bytes a second that a transfer needs on average, after its first Idle
	Scan      time.Duration // of one file
	Sweep     time.Duration // between two looks for work that no hint told of
	Abandoned time.Duration // after its ticket ran out an upload that never ended is cleared away
	Infected  time.Duration // the bytes of a file that did not pass are kept so long
	Render    time.Duration // of a marked copy
	Rendered  int64         // bytes of marked copies that are kept at hand
	Refusals  int           // clicks and uploads that may be refused to one account at once, before it is held back
	Forgiven  float64       // of them in a second
}

// DefaultLimits are the published numbers.
func DefaultLimits() Limits {
	return Limits{
		Size: 50 << 20, Ticket: 10 * time.Minute, Link: time.Minute, Uploads: 32, Downloads: 128, Idle: 20 * time.Second, Rate: 16 << 10, Scan: 2 * time.Minute,
		Sweep: 2 * time.Second, Abandoned: 2 * time.Hour, Infected: 7 * 24 * time.Hour, Render: 30 * time.Second, Rendered: 512 << 20,
		Refusals: 60, Forgiven: 0.5,
	}
}

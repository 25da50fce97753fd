package file

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"hash"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/blob"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// The acts on files: the sender's and the scanner's. Neither is asked of policy: the ticket was, and the scan is no person's.
var (
	fileReceive = act.Spec{Name: "file.receive", Event: "file.received.v1"}
	fileScan    = act.Spec{Name: "file.scan", Event: "file.scanned.v1"}
)

// Specs lists the acts of this package.
func Specs() []act.Spec { return []act.Spec{fileReceive, fileScan} }

func wrongTicket() *fault.Error {
	return fault.Forbidden("UPLOAD_TICKET", fault.Text{ZH: "上传凭证无效或已过期", EN: "the upload ticket is not good, or no longer"}, "",
		fault.Text{ZH: "请重新申请上传", EN: "ask for a new upload"})
}

func spentTicket() *fault.Error {
	return fault.State("UPLOAD_TICKET_USED", fault.Text{ZH: "该上传凭证已使用", EN: "the upload ticket was used"}, fault.Text{ZH: "文件已收到；如需更换请重新申请上传", EN: "the file is here; to send another one ask for a new upload"})
}

func wrongContent(reason, zh, en string) *fault.Error {
	return fault.Invalid("", reason, fault.Text{ZH: zh, EN: en}, fault.Text{ZH: "请核对文件后重新申请上传", EN: "check the file and ask for a new upload"})
}

// Receive stores the bytes of body under the file's ticket. One of several calls wins; whatever fails leaves nothing but
// the ticket, which stays good until it runs out. length is what the sender says, negative where it does not.
// Errors: NOT_FOUND (no such file in the tenant), FORBIDDEN (UPLOAD_TICKET: another's, or run out), INVALID_STATE
// (UPLOAD_TICKET_USED), INVALID_INPUT (FILE_SIZE_MISMATCH, FILE_HASH_MISMATCH, FILE_TYPE_MISMATCH), UNAVAILABLE
// (STORAGE_FULL), UNAUTHENTICATED.
func (s *Service) Receive(ctx context.Context, session *tenancy.Session, file uuid.UUID, secret string, body io.Reader, length int64) (File, error) {
	f, err := s.admit(ctx, session, file, secret)
	if err != nil {
		return File{}, err
	}
	if length >= 0 && length != f.Size {
		return File{}, said(blob.ErrSize) // before a byte of it is read
	}
	media, ok := mediaOf(f.MediaType)
	if !ok {
		return File{}, wrongTicket() // taken off the list since
	}
	in := &verified{r: newSniffer(body, media), hash: sha256.New(), want: f.SHA256}
	err = s.store.Put(ctx, f.key(), in, f.Size)
	wrote := err == nil
	if errors.Is(err, blob.ErrExists) {
		// Either another sender is ahead, or one broke off between the bytes and the row. The bytes there have the hash; this
		// sender shows that it has them too.
		err = in.rest(f.Size)
	}
	if err != nil {
		return File{}, said(err)
	}
	out, err := s.accept(ctx, session, f)
	if err != nil && wrote {
		s.dropUnclaimed(ctx, session.Tenant, file)
	}
	return out, err
}

// admit checks the ticket before a byte is read.
func (s *Service) admit(ctx context.Context, session *tenancy.Session, file uuid.UUID, secret string) (File, error) {
	var f File
	err := s.db.InTx(ctx, session, func(ctx context.Context, tx *tenancy.Tx) error {
		r, err := load(ctx, tx, selectFile, file)
		if err != nil {
			return err
		}
		f = r.File
		return r.ticketGood(tx.Session(), secret, tx.Now())
	})
	return f, err
}

// ticketGood: SECURITY: the state is told to nobody without the ticket's account and secret, as far as they are still known.
func (r *row) ticketGood(session *tenancy.Session, secret string, now time.Time) error {
	switch {
	case r.State == Gone:
		return wrongTicket()
	case r.State != Awaiting:
		return spentTicket()
	case len(r.ticket) == 0, subtle.ConstantTimeCompare(r.ticket, ticketHash(session, r.ID, secret)) != 1:
		return wrongTicket()
	case !now.Before(r.Until):
		return wrongTicket()
	}
	return nil
}

// accept turns the row to quarantined, once.
func (s *Service) accept(ctx context.Context, session *tenancy.Session, f File) (File, error) {
	input := struct{ File, SHA256 string }{f.ID.String(), f.Hash()}
	result, err := s.run.Run(ctx, session, fileReceive, "file-receive-"+f.ID.String(), input, func(ctx context.Context, w *act.Work) (act.Result, error) {
		r, err := load(ctx, w.Tx, lockFile, f.ID)
		if err != nil {
			return act.Result{}, err
		}
		if r.State != Awaiting {
			return act.Result{}, spentTicket()
		}
		// The row is held: who takes bytes away holds it too, so what is there now stays.
		if size, err := s.store.Stat(ctx, f.key()); err != nil || size != f.Size {
			return act.Result{}, fault.Down("STORAGE", errors.Join(err, errors.New("file: the bytes were taken away")))
		}
		if _, err := w.Exec(ctx, receiveFile, w.Tenant(), f.ID, w.Now(), w.Staff()); err != nil {
			return act.Result{}, err
		}
		f.State, f.Received, f.Version = Quarantined, w.Now(), r.Version+1
		return act.Result{
			Subject: act.Subject{Type: "File", ID: f.ID, Version: f.Version},
			Changes: []act.Change{{Field: "state", Old: Awaiting, New: Quarantined}, {Field: "sha256", New: f.Hash()}},
		}, nil
	})
	switch {
	case err != nil:
		return File{}, err
	case result.Replayed:
		return File{}, spentTicket()
	}
	s.Wake(session.Tenant)
	return f, nil
}

// dropUnclaimed takes bytes away that no row has taken. It is done whatever became of the sender.
func (s *Service) dropUnclaimed(ctx context.Context, tenant tenancy.TenantID, file uuid.UUID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := s.db.InTx(ctx, tenancy.ForSystem(tenant, tenancy.SystemFiles), func(ctx context.Context, tx *tenancy.Tx) error {
		r, err := load(ctx, tx, lockFile, file)
		if err != nil || r.State != Awaiting && r.State != Gone {
			return err
		}
		return s.store.Delete(ctx, r.key())
	})
	if err != nil { // the sweep finds them when the ticket has run out
		s.log.WarnContext(ctx, "bytes of a broken upload not removed", slog.String("file", file.String()), slog.Any("error", err))
	}
}

// verified passes bytes on while hashing them, and ends with errHash instead of io.EOF where the hash is another one.
type verified struct {
	r    io.Reader
	hash hash.Hash
	want [32]byte
	read int64
}

var errHash = errors.New("file: the bytes have another hash")

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	v.hash.Write(p[:n])
	v.read += int64(n)
	if err == io.EOF && [32]byte(v.hash.Sum(nil)) != v.want {
		err = errHash
	}
	return n, err
}

// rest reads to the end and makes sure that these are the bytes.
func (v *verified) rest(size int64) error {
	if _, err := io.Copy(io.Discard, io.LimitReader(v, size+1-v.read)); err != nil {
		return err
	}
	if v.read != size {
		return blob.ErrSize
	}
	_, err := v.Read(make([]byte, 1))
	if err == io.EOF {
		return nil
	}
	return err
}

// said turns what went wrong into what the sender is told.
func said(err error) error {
	switch {
	case errors.Is(err, blob.ErrSize):
		return wrongContent("FILE_SIZE_MISMATCH", "文件大小与申请不符", "the file has another size than the ticket")
	case errors.Is(err, errHash):
		return wrongContent("FILE_HASH_MISMATCH", "文件内容与申请的 SHA-256 不符", "the file has another SHA-256 than the ticket")
	case errors.Is(err, errType):
		return wrongContent("FILE_TYPE_MISMATCH", "文件内容与申请的类型不符", "the file is not of the type of the ticket")
	case errors.Is(err, blob.ErrFull):
		return fault.Down("STORAGE_FULL", err)
	}
	return err
}

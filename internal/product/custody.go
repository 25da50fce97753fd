package product

import (
	"context"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/file"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
)

// Ticket is how custody gets a ticket of the owner of bytes.
func Ticket(files *file.Service) func(ctx context.Context, w *act.Work, original uuid.UUID, want custody.Upload) (custody.Ticket, error) {
	return func(ctx context.Context, w *act.Work, original uuid.UUID, want custody.Upload) (custody.Ticket, error) {
		f, secret, err := files.Ticket(ctx, w, file.Want{Name: want.Name, MediaType: want.MediaType, Size: want.Size, SHA256: want.SHA256, Original: original})
		return custody.Ticket{File: f.ID, Secret: secret, Until: f.Until}, err
	}
}

// keepFiles joins custody and the owner of bytes: originals get files, and whoever follows a link is judged by custody.
func (s *Services) keepFiles() {
	s.Custody = s.Custody.WithFiles(custody.Files{
		Ticket: Ticket(s.File),
		Link: func(ctx context.Context, tx *tenancy.Tx, f uuid.UUID, purpose string) (custody.Link, error) {
			l, err := s.File.Link(ctx, tx, file.Ask{File: f, Purpose: purpose})
			return custody.Link{Path: l.Path, Until: l.Until}, err
		},
		Verify: func(ctx context.Context, session *tenancy.Session, f uuid.UUID) (bool, error) {
			var known file.File
			if err := s.DB.InTx(ctx, session, func(ctx context.Context, tx *tenancy.Tx) (err error) {
				known, err = s.File.Load(ctx, tx, f)
				return err
			}); err != nil {
				return false, err
			}
			return s.File.Verify(ctx, known)
		},
	})
	s.DecideFile = func(ctx context.Context, tx *tenancy.Tx, c file.Click) (file.Terms, error) {
		t, err := s.Custody.Click(ctx, tx, c.File.ID)
		if err != nil {
			return file.Terms{}, err
		}
		out := file.Terms{Class: int(t.Class), Act: "original"}
		if t.Borrowing != uuid.Nil {
			out.Mark = &file.Mark{Name: t.Reader, Reference: id.Encode(id.Borrowing, t.Borrowing), At: t.LentAt}
		}
		return out, nil
	}
}

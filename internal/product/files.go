package product

import (
	"context"
	"log/slog"
	"sync"

	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/internal/audit"
	"github.com/clientele/clientele/internal/authn"
	"github.com/clientele/clientele/internal/blob"
	"github.com/clientele/clientele/internal/file"
	"github.com/clientele/clientele/internal/tenancy"
)

// Files say where bytes are kept and what is done with them. Store and Key are required.
type Files struct {
	Store    blob.Store
	Key      []byte       // that of cursors: links get one of their own derived from it
	Scanner  file.Scanner // nil: none
	NoScan   bool         // what is received is served without a scan
	Workshop []string     // the command that puts marks on files; see file.RunWorkshop
	Font     string       // for marks; empty: looked for
	Temp     string       // folder of files in the making; empty: the system's
	Limits   file.Limits
}

func (s *Services) openFiles(c *Files, log *slog.Logger) (err error) {
	s.File, err = file.New(file.Config{
		DB: s.DB, Run: s.Run, IDs: s.IDs, Store: c.Store, Log: log, Limits: c.Limits, Key: c.Key, Scanner: c.Scanner, NoScan: c.NoScan,
		Workshop: c.Workshop, Font: c.Font, Temp: c.Temp, Now: s.Clock.Now,
	})
	return err
}

// StartFiles scans what was received and clears away what was abandoned, until stop is called; stop waits for the file
// under way. Any number of processes may do so.
func StartFiles(s *Services) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { s.File.Run(ctx) })
	return func() {
		cancel()
		done.Wait()
		s.File.Close()
	}
}

// web is what the routes of files need of the rest of the product.
func (s *Services) web(signIn *authn.Service, trail *Trail, origins []string) file.Web {
	return file.Web{Authenticate: signIn.Authenticate, RequestID: serve.RequestID, Decide: s.DecideFile, Opened: trail.openedFile, Refused: trail.refusedFile, Origins: origins}
}

// refusedFile records that a click or an upload was refused.
func (t *Trail) refusedFile(ctx context.Context, s *tenancy.Session, r file.Refusal) error {
	return t.writer.Refused(ctx, s, []audit.Refusal{{Type: "File", ID: r.File, Act: r.Act, Reason: r.Reason}})
}

// openedFile records that a file is about to be sent: a reader's opening of an original, an export or a print.
func (t *Trail) openedFile(ctx context.Context, s *tenancy.Session, o file.Opening) error {
	return t.writer.Opened(ctx, s, []audit.Opening{{Type: "File", ID: o.File.ID, Act: o.Act, Purpose: o.Purpose}})
}

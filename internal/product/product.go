// Package product owns how the contexts are joined into one product: services on a database, the trail behind reads, the API above both.
// It does not own flags, files or sockets (cmd/clientele), nor any rule; tests start the same product that the program serves.
package product

import (
	"io"
	"log/slog"
	"runtime"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/approval"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/contract"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/epochs"
	"github.com/clientele/clientele/internal/file"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/organisation"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/review"
	"github.com/clientele/clientele/internal/tenancy"
)

// Services are the contexts of the product on one database.
type Services struct {
	DB           *tenancy.DB
	Clock        *clock.Clock
	IDs          *id.Source
	Rights       *access.Provider
	Run          *act.Runner
	Epochs       *epochs.Watcher
	Hasher       *credential.Hasher
	Identity     *identity.Service
	Organisation *organisation.Service
	Archive      *archive.Service
	Contract     *contract.Service
	Policy       *policyadmin.Service
	Custody      *custody.Service
	Review       *review.Service
	File         *file.Service // nil where nothing is uploaded or downloaded
	// DecideFile decides who may open a file when its link is followed.
	DecideFile file.Decide
}

// cachedTenants is how many tenants' rights are kept in memory.
const cachedTenants = 1000

// NewServices joins the contexts. now and random make ids: the wall clock and crypto/rand, but for demo data. tracer makes the spans of acts;
// nil for none. files is nil where none are kept: for commands that serve nothing.
func NewServices(db *tenancy.DB, clk *clock.Clock, now func() time.Time, random io.Reader, log *slog.Logger, tracer trace.Tracer, files *Files) (*Services, error) {
	rights, err := access.New(db, cachedTenants)
	if err != nil {
		return nil, err
	}
	rights.Shadowed(shadowEvery, disagreement(log))
	s := &Services{DB: db, Clock: clk, IDs: id.NewSource(now, random), Rights: rights, Hasher: credential.NewHasher(runtime.GOMAXPROCS(0))}
	s.Epochs = epochs.NewWatcher(epochs.FromDatabase(db), epochs.Every, log)
	s.Run = act.NewRunner(db, rights, s.IDs, log).Hinting(s.Epochs.Hint)
	if tracer != nil {
		s.Run = s.Run.Traced(tracer)
	}
	s.Identity = identity.New(s.Run, db, s.Hasher, random)
	s.Organisation = organisation.New(s.Run)
	s.Archive = archive.New(s.Run)
	s.Contract = contract.New(s.Run)
	s.Policy = policyadmin.New(s.Run, db, rights)
	s.Custody = custody.New(s.Run, db, rights, approval.Fixed{})
	s.Review = review.New(s.Run, db, rights)
	if files != nil {
		if err := s.openFiles(files, log); err != nil {
			return nil, err
		}
		s.keepFiles()
	}
	return s, nil
}

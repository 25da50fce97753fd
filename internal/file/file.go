package file

import (
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// State of a file; the values are those of the column.
type State string

// The states of a file.
const (
	Awaiting    State = "awaiting"    // a ticket is out, no bytes are here
	Quarantined State = "quarantined" // received as promised, not scanned
	Clean       State = "clean"       // may be served
	Infected    State = "infected"    // refused by the scan; File.Note says why
	Gone        State = "gone"        // the ticket ran out, or the bytes were removed
)

// File is what is known of the bytes.
type File struct {
	Tenant    tenancy.TenantID
	ID        uuid.UUID
	Original  uuid.UUID // what it belongs to; zero for nothing yet
	Name      string    // cleaned; a name, never a path
	MediaType string    // of MediaTypes
	Size      int64     // bytes
	SHA256    [32]byte
	State     State
	Note      string    // of the scan: a reason code, or the name of what was found
	Received  time.Time // zero before
	Scanned   time.Time // zero before
	Until     time.Time // until then its ticket is good; of no meaning once it is received
	Version   int64
}

// Hash is the SHA-256 in lower-case hexadecimal.
func (f *File) Hash() string { return hex.EncodeToString(f.SHA256[:]) }

// key of the blob.
func (f *File) key() string { return blobKey(f.Tenant, f.ID) }

func blobKey(tenant tenancy.TenantID, file uuid.UUID) string {
	return tenant.String() + "/" + file.String()
}

// servable refuses what has not been scanned or did not pass.
//
// SECURITY: everything that leads to bytes asks this, before a link is made and again at the click.
func (f *File) servable() error {
	switch f.State {
	case Clean:
		return nil
	case Infected:
		return fault.State("FILE_INFECTED", fault.Text{ZH: "该文件未通过安全扫描，不提供下载", EN: "the file did not pass its scan and is not served"},
			fault.Text{ZH: "请上传经过查杀的版本", EN: "upload a version that is clean"}).With("note", f.Note)
	case Gone:
		return fault.State("FILE_GONE", fault.Text{ZH: "该文件已不存在", EN: "the bytes of the file are gone"}, fault.Text{ZH: "请重新上传", EN: "upload it again"})
	case Awaiting:
		return fault.State("FILE_NOT_RECEIVED", fault.Text{ZH: "该文件尚未上传", EN: "the file has not been uploaded"}, fault.Text{ZH: "请用上传凭证上传该文件", EN: "send it with its upload ticket"})
	default:
		return fault.State("FILE_NOT_SCANNED", fault.Text{ZH: "该文件尚在隔离扫描中", EN: "the file is in quarantine until it has been scanned"},
			fault.Text{ZH: "请稍后再试；长时间未完成时请联系运维", EN: "try again shortly; when it takes long, ask the operator"})
	}
}

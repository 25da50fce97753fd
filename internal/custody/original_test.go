package custody_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/testkit/world"
)

func TestPaperIsFiledAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	in := custody.OriginalFile{ClientID: f.client, Kind: "CREDIT", Title: " 信用调查 ", FieldClass: 4, Provenance: "客户", Location: ptr("柜三"), Paper: ptr("共三页")}
	r, ticket, err := f.OriginalFile(t.Context(), f.keeper.Session, in, "file-key-1")
	if err != nil || ticket != nil {
		t.Fatal(ticket, err)
	}
	f.is("信用调查|4|filed|1|柜三|"+f.keeper.Staff.String()+"|1", `SELECT title, field_class, state, version_seq, location, custodian_staff_id, version FROM originals WHERE tenant_id = $1`)
	f.is("1|-|共三页|true", `SELECT seq, file_id, note, content_hash = sha256('共三页') FROM original_versions WHERE tenant_id = $1`)
	f.is("original.filed.v1|FILED|false", `SELECT type, snapshot->'original#register'->>'state', snapshot ? 'original#content' FROM events WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1`)
	f.is("change|1", `SELECT kind, object_version FROM audit_records WHERE tenant_id = $1 AND act = 'original.file'`)
	if again, _, err := f.OriginalFile(t.Context(), f.keeper.Session, in, "file-key-1"); err != nil || !again.Replayed || again.Subject != r.Subject {
		t.Errorf("%+v %v", again, err)
	}
}

func TestFilesAreFiledWhenTheyAreClean(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	up := custody.Upload{Name: "a.pdf", MediaType: "application/pdf", Size: 3, SHA256: strings.Repeat("ab", 32)}
	r, ticket, err := f.OriginalFile(t.Context(), f.kam.Session, custody.OriginalFile{ClientID: f.client, Kind: "CONTRACT", Title: "合同", FieldClass: 5, Provenance: "x", File: &up}, f.Key())
	f.ok(r, err)
	add := func(version int64, file uuid.UUID) error {
		_, err := f.OriginalAddVersion(t.Context(), f.kam.Session, custody.OriginalAddVersion{OriginalID: r.Subject.ID, ExpectedVersion: version, FileID: &file}, f.Key())
		return err
	}
	f.refused("nothing is filed", "INVALID_STATE NOTHING_FILED", func() error { return f.open(f.kam, r.Subject.ID, nil) })
	for _, state := range []string{"awaiting", "quarantined", "infected", "gone"} {
		f.Exec(`UPDATE files SET state = $2 WHERE tenant_id = $1`, state)
		f.refused(state, "INVALID_STATE FILE_NOT_CLEAN", func() error { return add(1, ticket.File) })
	}
	f.Exec(`UPDATE files SET state = 'clean' WHERE tenant_id = $1`)
	f.refused("stale", "STALE_VERSION input.expectedVersion STALE_VERSION", func() error { return add(2, ticket.File) })
	if err := add(1, ticket.File); err != nil {
		t.Fatal(err)
	}
	f.refused("filed already", "INVALID_STATE FILE_FILED", func() error { return add(2, ticket.File) })
	elsewhere := f.paper("别的", 1)
	f.refused("another's file", "NOT_FOUND input.fileId NOT_FOUND", func() error {
		_, err := f.OriginalAddVersion(t.Context(), f.keeper.Session, custody.OriginalAddVersion{OriginalID: elsewhere, ExpectedVersion: 1, FileID: &ticket.File}, f.Key())
		return err
	})
}

func TestFilingRefusals(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	in := custody.OriginalFile{ClientID: f.client, Kind: "CREDIT", Title: "x", FieldClass: 4, Provenance: "x", Paper: ptr("p")}
	file := func(p world.Person, change func(*custody.OriginalFile)) func() error {
		return func() error {
			in := in
			change(&in)
			_, _, err := f.OriginalFile(t.Context(), p.Session, in, f.Key())
			return err
		}
	}
	none := func(*custody.OriginalFile) {}
	f.refused("a seller", "FORBIDDEN NO_ROLE", file(f.rep, none))
	f.refused("who sees the list", "FORBIDDEN NO_ROLE", file(f.reader, none))
	f.refused("another tenant", "NOT_FOUND NOT_FOUND", file(f.foreign, none))
	f.refused("no client", "NOT_FOUND NOT_FOUND", file(f.keeper, func(in *custody.OriginalFile) { in.ClientID = f.Nowhere }))
	f.refused("no custodian", "NOT_FOUND input.custodianId NOT_FOUND", file(f.keeper, func(in *custody.OriginalFile) { in.CustodianID = &f.Nowhere }))
	f.refused("all fields at once", "INVALID_INPUT input.kind UNKNOWN_VALUE; INVALID_INPUT input.title REQUIRED; INVALID_INPUT input.fieldClass CLASS_UNKNOWN; INVALID_INPUT input.provenance REQUIRED; INVALID_INPUT input.paper PAPER_OR_FILE",
		file(f.keeper, func(in *custody.OriginalFile) { *in = custody.OriginalFile{ClientID: f.client, FieldClass: 8} }))
	f.refused("type of file", "INVALID_INPUT input.file.mediaType UNSUPPORTED_MEDIA_TYPE", file(f.keeper, func(in *custody.OriginalFile) { in.Paper, in.File = nil, &custody.Upload{MediaType: "x"} }))
}

func TestCustodianAndIncidents(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o := f.paper("原件", 2)
	f.ok(f.OriginalChangeCustodian(t.Context(), f.keeper.Session, custody.OriginalChangeCustodian{OriginalID: o, ExpectedVersion: 1, CustodianID: f.second.Staff, Location: ptr("保险箱"), Reason: "交接"}, f.Key()))
	f.is(f.second.Staff.String()+"|保险箱|2", `SELECT custodian_staff_id, location, version FROM originals WHERE tenant_id = $1`)
	report := func(p world.Person, version int64, kind string) (uuid.UUID, error) {
		r, err := f.OriginalReportIncident(t.Context(), p.Session, custody.OriginalReportIncident{OriginalID: o, ExpectedVersion: version, Kind: kind, Note: "发霉"}, f.Key())
		return r.Subject.ID, err
	}
	f.refused("a seller reports", "FORBIDDEN NO_ROLE", func() error { _, err := report(f.rep, 2, custody.Damaged); return err })
	damaged, err := report(f.second, 2, custody.Contaminated)
	if err != nil {
		t.Fatal(err)
	}
	lost, err := report(f.second, 3, custody.Lost)
	if err != nil {
		t.Fatal(err)
	}
	f.is("missing|4", `SELECT state, version FROM originals WHERE tenant_id = $1`)
	f.refused("lost twice", "INVALID_STATE ORIGINAL_STATE", func() error { _, err := report(f.second, 4, custody.Lost); return err })
	f.refused("to borrow what is missing", "INVALID_STATE ORIGINAL_STATE", func() error {
		_, err := f.BorrowingRequest(t.Context(), f.rep.Session, custody.BorrowingRequest{ClientID: f.client, OriginalIDs: []uuid.UUID{o}, Purpose: "x"}, f.Key())
		return err
	})
	closeIt := func(p world.Person, u uuid.UUID, version int64, found bool) error {
		_, err := f.OriginalCloseIncident(t.Context(), p.Session, custody.OriginalCloseIncident{IncidentID: u, ExpectedVersion: version, Resolution: "已处理", Found: found}, f.Key())
		return err
	}
	f.refused("found what is not lost", "INVALID_INPUT input.found NOTHING_LOST", func() error { return closeIt(f.second, damaged, 1, true) })
	f.refused("stale", "STALE_VERSION input.expectedVersion STALE_VERSION", func() error { return closeIt(f.second, damaged, 2, false) })
	f.refused("a seller closes", "FORBIDDEN NO_ROLE", func() error { return closeIt(f.rep, lost, 1, true) })
	f.refused("a stranger closes", "NOT_FOUND NOT_FOUND", func() error { return closeIt(f.stranger, lost, 1, true) })
	f.refused("no incident", "NOT_FOUND NOT_FOUND", func() error { return closeIt(f.second, f.Nowhere, 1, true) })
	for _, step := range []error{closeIt(f.second, damaged, 1, false), closeIt(f.second, lost, 1, true)} {
		if step != nil {
			t.Fatal(step)
		}
	}
	f.is("filed", `SELECT state FROM originals WHERE tenant_id = $1`)
	f.refused("closed twice", "INVALID_STATE INCIDENT_CLOSED", func() error { return closeIt(f.second, lost, 2, false) })
}

package resolver

import (
	"context"

	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
)

// Custody has the mutations of graph/schema/custody.graphql.
type Custody struct{ Service *custody.Service }

func upload(f *model.FileUploadInput) *custody.Upload {
	if f == nil {
		return nil
	}
	return &custody.Upload{Name: f.Name, MediaType: f.MediaType, Size: f.Size, SHA256: f.Sha256}
}

func toTicket(t *custody.Ticket) *model.UploadTicket {
	if t == nil {
		return nil
	}
	return &model.UploadTicket{FileID: id.Encode(id.File, t.File), Secret: t.Secret, ExpiresAt: t.Until}
}

// OriginalFile resolves originalFile: the ticket's secret is in this payload and nowhere else.
func (r Custody) OriginalFile(ctx context.Context, from model.OriginalFileInput, key string) (p model.OriginalFilePayload, err error) {
	var d decoder
	in := custody.OriginalFile{
		ClientID: d.id(id.Client, "input.clientId", from.ClientID), Kind: string(from.Kind), Title: from.Title, FieldClass: from.FieldClass, Provenance: from.Provenance,
		CustodianID: d.optional(id.Staff, "input.custodianId", from.CustodianID), Location: from.Location, Paper: from.Paper, File: upload(from.File),
	}
	p.Original, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		result, ticket, err := r.Service.OriginalFile(ctx, s, in, key)
		p.Ticket = toTicket(ticket)
		return result, err
	})
	return p, err
}

// OriginalUpload resolves originalUpload, as originalFile.
func (r Custody) OriginalUpload(ctx context.Context, from model.OriginalUploadInput, key string) (p model.OriginalUploadPayload, err error) {
	var d decoder
	in := custody.OriginalUpload{OriginalID: d.id(id.Original, "input.originalId", from.OriginalID), File: *upload(from.File)}
	p.Original, p.UserErrors, err = answer(ctx, &d, nil, func(s *tenancy.Session) (act.Result, error) {
		result, ticket, err := r.Service.OriginalUpload(ctx, s, in, key)
		p.Ticket = toTicket(ticket)
		return result, err
	})
	return p, err
}

// OriginalAddVersion resolves originalAddVersion.
func (r Custody) OriginalAddVersion(ctx context.Context, from model.OriginalAddVersionInput, key string) (p model.OriginalAddVersionPayload, err error) {
	var d decoder
	in := custody.OriginalAddVersion{
		OriginalID: d.id(id.Original, "input.originalId", from.OriginalID), ExpectedVersion: from.ExpectedVersion,
		FileID: d.maybe(id.File, "input.fileId", from.FileID).Value, Paper: maybeText(from.Paper).Value, Note: maybeText(from.Note).Value,
	}
	p.Original, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.OriginalAddVersion(ctx, s, in, key)
	})
	return p, err
}

// OriginalChangeCustodian resolves originalChangeCustodian.
func (r Custody) OriginalChangeCustodian(ctx context.Context, from model.OriginalChangeCustodianInput, key string) (p model.OriginalChangeCustodianPayload, err error) {
	var d decoder
	in := custody.OriginalChangeCustodian{
		OriginalID: d.id(id.Original, "input.originalId", from.OriginalID), ExpectedVersion: from.ExpectedVersion,
		CustodianID: d.id(id.Staff, "input.custodianId", from.CustodianID), Location: maybeText(from.Location).Value, Reason: from.Reason,
	}
	p.Original, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.OriginalChangeCustodian(ctx, s, in, key)
	})
	return p, err
}

// OriginalReportIncident resolves originalReportIncident.
func (r Custody) OriginalReportIncident(ctx context.Context, from model.OriginalReportIncidentInput, key string) (p model.OriginalReportIncidentPayload, err error) {
	var d decoder
	in := custody.OriginalReportIncident{
		OriginalID: d.id(id.Original, "input.originalId", from.OriginalID), ExpectedVersion: from.ExpectedVersion, Kind: string(from.Kind), Note: from.Note,
	}
	p.Incident, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.OriginalReportIncident(ctx, s, in, key)
	})
	return p, err
}

// OriginalCloseIncident resolves originalCloseIncident.
func (r Custody) OriginalCloseIncident(ctx context.Context, from model.OriginalCloseIncidentInput, key string) (p model.OriginalCloseIncidentPayload, err error) {
	var d decoder
	in := custody.OriginalCloseIncident{
		IncidentID: d.id(id.Incident, "input.incidentId", from.IncidentID), ExpectedVersion: from.ExpectedVersion, Resolution: from.Resolution, Found: from.Found,
	}
	p.Incident, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.OriginalCloseIncident(ctx, s, in, key)
	})
	return p, err
}

// OriginalOpen resolves originalOpen: the link is in this payload and nowhere else.
func (r Custody) OriginalOpen(ctx context.Context, from model.OriginalOpenInput, key string) (p model.OriginalOpenPayload, err error) {
	var d decoder
	in := custody.OriginalOpen{OriginalID: d.id(id.Original, "input.originalId", from.OriginalID)}
	if from.VersionSeq != nil {
		seq := int32(max(0, min(*from.VersionSeq, 1<<30)))
		in.VersionSeq = &seq
	}
	p.Original, p.UserErrors, err = answer(ctx, &d, nil, func(s *tenancy.Session) (act.Result, error) {
		result, link, err := r.Service.OriginalOpen(ctx, s, in, key)
		if link != nil {
			p.Link = &model.DownloadLink{Path: link.Path, ExpiresAt: link.Until}
		}
		return result, err
	})
	return p, err
}

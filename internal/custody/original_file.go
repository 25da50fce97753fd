package custody

import (
	"context"
	"crypto/sha256"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// OriginalFile enters an original in the register (G02). With paper its first version is filed at once; with a file the ticket admits the
// upload, and the version is filed when the file came out clean. INVALID_STATE CLIENT_DISPOSED; INVALID_INPUT CUSTODIAN_CANNOT_LEND.
func (s *Service) OriginalFile(ctx context.Context, session *tenancy.Session, in OriginalFile, key string) (act.Result, *Ticket, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, nil, err
	}
	var ticket *Ticket
	result, err := s.runner.Run(ctx, session, originalFile, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		client, about, err := archive.LoadRow(ctx, w, in.ClientID, archive.ForUse)
		if err != nil {
			return act.Result{}, err
		}
		if w.Rights == nil || !w.Rights.Decide(policy.OnClient, policy.Read, &about).Allow {
			return act.Result{}, w.Absent("Client", in.ClientID)
		}
		o := Original{Original: &entdb.Original{
			ID: w.IDs.New(), TenantID: w.Tenant(), ClientID: in.ClientID, Kind: in.Kind, Title: in.Title, FieldClass: int16(in.FieldClass), Provenance: in.Provenance,
			Location: in.Location, State: filed, Version: 1,
		}, about: about}
		if err := require(w, act.Subject{Type: typeOriginal}, o.row(), policy.OriginalRegister); err != nil {
			return act.Result{}, err
		}
		if client.Stage == archive.StageDisposed {
			return act.Result{}, fault.State("CLIENT_DISPOSED", text("该客户档案已处理完毕，不能再变更", "the archive was disposed of and no longer changes"), fault.Text{})
		}
		if in.CustodianID != nil {
			o.CustodianStaffID = *in.CustodianID
		} else if o.CustodianStaffID, err = acting(w); err != nil {
			return act.Result{}, err
		}
		if _, err := custodian(ctx, w, o, o.CustodianStaffID); err != nil {
			return act.Result{}, err
		}
		if in.Paper != nil {
			o.VersionSeq = 1
		}
		_, err = w.Exec(ctx, `INSERT INTO originals (tenant_id, id, client_id, kind, title, field_class, provenance, custodian_staff_id, location, state, version_seq,
			created_at, created_by, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'filed', $10, $11, $12, $11, $12)`,
			w.Tenant(), o.ID, o.ClientID, o.Kind, o.Title, o.FieldClass, o.Provenance, o.CustodianStaffID, o.Location, o.VersionSeq, w.Now(), w.Staff())
		if err != nil {
			return act.Result{}, wrap("insert original", err)
		}
		if in.Paper != nil {
			hash := sha256.Sum256([]byte(*in.Paper))
			if err := insertVersion(ctx, w, o.ID, 1, nil, hash[:], in.Paper); err != nil {
				return act.Result{}, err
			}
		} else if ticket, err = s.ticket(ctx, w, o.ID, *in.File); err != nil {
			return act.Result{}, err
		}
		return originalResult(o, []act.Change{{Field: "title", New: o.Title}, {Field: "fieldClass", New: o.FieldClass}, {Field: "versionSeq", New: o.VersionSeq}}), nil
	})
	if err != nil || result.Replayed {
		return result, nil, err
	}
	return result, ticket, nil
}

// OriginalUpload gives a ticket for the file of a further version; nothing of the original changes by it.
func (s *Service) OriginalUpload(ctx context.Context, session *tenancy.Session, in OriginalUpload, key string) (act.Result, *Ticket, error) {
	var ticket *Ticket
	result, err := s.runner.Run(ctx, session, originalUpload, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		o, err := loadOriginal(ctx, w, in.OriginalID, forUse)
		if err != nil {
			return act.Result{}, err
		}
		if err := require(w, o.subject(), o.row(), policy.OriginalRegister); err != nil {
			return act.Result{}, err
		}
		if err := present(o, filed); err != nil {
			return act.Result{}, err
		}
		if ticket, err = s.ticket(ctx, w, o.ID, in.File); err != nil {
			return act.Result{}, err
		}
		return originalResult(o, []act.Change{{Field: "file", New: ticket.File.String()}}), nil
	})
	if err != nil || result.Replayed {
		return result, nil, err
	}
	return result, ticket, nil
}

// ticket is of the owner of bytes; his refusals are of the input's file.
func (s *Service) ticket(ctx context.Context, w *act.Work, original uuid.UUID, want Upload) (*Ticket, error) {
	if s.files.Ticket == nil {
		return nil, fault.Down("FILES_NOT_KEPT", nil)
	}
	t, err := s.files.Ticket(ctx, w, original, want)
	if list, ok := fault.As(err); ok {
		out := make(fault.List, len(list))
		for i, e := range list {
			if out[i] = e; e.Field != "" {
				out[i] = e.At("input.file." + e.Field)
			}
		}
		return nil, out
	}
	return &t, err
}

// OriginalAddVersion files a version of a file that came out clean, or of paper. INVALID_STATE: FILE_NOT_CLEAN, FILE_FILED (it is a version
// already), ORIGINAL_STATE (it is lent, missing or disposed of: what is lent stays what was lent).
func (s *Service) OriginalAddVersion(ctx context.Context, session *tenancy.Session, in OriginalAddVersion, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, originalAddVersion, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		o, err := originalFor(ctx, w, in.OriginalID, in.ExpectedVersion, policy.OriginalRegister)
		if err != nil {
			return act.Result{}, err
		}
		if err := present(o, filed); err != nil {
			return act.Result{}, err
		}
		note := in.Note
		var hash []byte
		if in.Paper != nil {
			sum := sha256.Sum256([]byte(*in.Paper))
			hash, note = sum[:], in.Paper
		} else if hash, err = cleanFile(ctx, w, o.ID, *in.FileID); err != nil {
			return act.Result{}, err
		}
		before := o.VersionSeq
		if err := insertVersion(ctx, w, o.ID, before+1, in.FileID, hash, note); err != nil {
			return act.Result{}, err
		}
		if o, err = updateOriginal(ctx, w, o, func(n *entdb.Original) { n.VersionSeq++ }); err != nil {
			return act.Result{}, err
		}
		return originalResult(o, []act.Change{{Field: "versionSeq", Old: before, New: o.VersionSeq}}), nil
	})
}

// cleanFile is the hash of a file of this original that came out clean and is no version yet.
func cleanFile(ctx context.Context, w *act.Work, original, file uuid.UUID) ([]byte, error) {
	rows, err := w.Query(ctx, `SELECT f.sha256, f.state, EXISTS (SELECT 1 FROM original_versions v WHERE v.tenant_id = f.tenant_id AND v.file_id = f.id)
		FROM files f WHERE f.tenant_id = $1 AND f.id = $2 AND f.original_id = $3 FOR SHARE OF f`, w.Tenant(), file, original)
	if err != nil {
		return nil, wrap("file", err)
	}
	type found struct {
		Hash  []byte
		State string
		Filed bool
	}
	list, err := scanAll[found](rows)
	if err != nil {
		return nil, wrap("file", err)
	}
	switch {
	case len(list) == 0:
		return nil, fault.NotFound("File").At("input.fileId")
	case list[0].Filed:
		return nil, fault.State("FILE_FILED", text("该文件已归档为一个版本", "the file is a version already"), fault.Text{})
	case list[0].State != "clean":
		return nil, fault.State("FILE_NOT_CLEAN", text("该文件尚未通过安全扫描", "the file has not passed its scan"),
			text("请上传文件并等待扫描完成", "upload it and wait for the scan"))
	}
	return list[0].Hash, nil
}

func insertVersion(ctx context.Context, w *act.Work, original uuid.UUID, seq int32, file *uuid.UUID, hash []byte, note *string) error {
	_, err := w.Exec(ctx, `INSERT INTO original_versions (tenant_id, id, original_id, seq, file_id, content_hash, note, filed_at, filed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		w.Tenant(), w.IDs.New(), original, seq, file, hash, note, w.Now(), w.Staff())
	return wrap("insert version", err)
}

// OriginalChangeCustodian gives an original into other hands (G02), those of somebody who may lend it. INVALID_INPUT CUSTODIAN_CANNOT_LEND.
func (s *Service) OriginalChangeCustodian(ctx context.Context, session *tenancy.Session, in OriginalChangeCustodian, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, originalChangeCustodian, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := originalFor(ctx, w, in.OriginalID, in.ExpectedVersion, policy.OriginalRegister)
		if err != nil {
			return act.Result{}, err
		}
		if err := present(before, filed, out, missing); err != nil {
			return act.Result{}, err
		}
		name, err := custodian(ctx, w, before, in.CustodianID)
		if err != nil {
			return act.Result{}, err
		}
		after, err := updateOriginal(ctx, w, before, func(n *entdb.Original) {
			n.CustodianStaffID = in.CustodianID
			if in.Location != nil {
				n.Location = in.Location
			}
		})
		if err != nil {
			return act.Result{}, err
		}
		return originalResult(after, []act.Change{{Field: "custodian", New: name}, {Field: "location", Old: before.Location, New: after.Location}, {Field: "reason", New: in.Reason}}), nil
	})
}

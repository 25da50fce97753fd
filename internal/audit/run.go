package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// VerifyArgs is what `clientele audit verify` is given beside the trail.
type VerifyArgs struct {
	Keys     []string // public keys that checkpoints are accepted from
	Witness  []string // signed notes that were kept elsewhere
	Language string   // of the report: "zh-CN" or "en"
}

// RunVerify verifies a trail (FromDatabase or FromFile) and prints what was found, one fact a line. A finding is
// ErrTampered, so that the program ends with a failure.
func RunVerify(ctx context.Context, out io.Writer, trail Trail, args VerifyArgs) error {
	keys, err := Verifiers(args.Keys...)
	if err != nil {
		return err
	}
	report, err := Verify(ctx, trail, keys, args.Witness...)
	if err != nil {
		return err
	}
	for _, text := range report.Lines() {
		if _, err := fmt.Fprintln(out, text.In(args.Language)); err != nil {
			return err
		}
	}
	if f := report.Finding; f != nil {
		return fmt.Errorf("%w: %s", ErrTampered, f.Message().In("en"))
	}
	return nil
}

// Lines is the report for people.
func (r Report) Lines() []fault.Text {
	lines := []fault.Text{
		{ZH: fmt.Sprintf("租户 %s", r.Tenant), EN: fmt.Sprintf("tenant %s", r.Tenant)},
		{ZH: fmt.Sprintf("完好记录 %d 条", r.Records), EN: fmt.Sprintf("%d records sound", r.Records)},
	}
	if r.Signed > 0 {
		at := r.SignedAt.Format(timeForm)
		lines = append(lines, fault.Text{
			ZH: fmt.Sprintf("签名检查点 %d 个，最新的覆盖 %d 条（%s）", r.Checkpoints, r.Signed, at),
			EN: fmt.Sprintf("%d signed checkpoints, the newest over %d records at %s", r.Checkpoints, r.Signed, at),
		})
	} else if r.Records > 0 {
		lines = append(lines, fault.Text{ZH: "没有签名检查点：无法发现整体重写或截尾", EN: "no signed checkpoint: a trail that was rewritten or cut as a whole would not be noticed"})
	}
	if r.Witnessed > 0 {
		lines = append(lines, fault.Text{ZH: fmt.Sprintf("与外部留存的 %d 个检查点一致", r.Witnessed), EN: fmt.Sprintf("agrees with %d checkpoints kept elsewhere", r.Witnessed)})
	}
	if r.Unsealed > 0 {
		lines = append(lines, fault.Text{
			ZH: fmt.Sprintf("其后尚未封印 %d 条，未被核验：由 serve --role worker（或 all）封印", r.Unsealed),
			EN: fmt.Sprintf("behind them %d records not sealed yet and not verified: serve --role worker (or all) seals them", r.Unsealed),
		})
	}
	if r.Finding != nil {
		return append(lines, fault.Text{ZH: "首个问题：" + r.Finding.Message().ZH, EN: "first finding: " + r.Finding.Message().EN})
	}
	return append(lines, fault.Text{ZH: "未发现问题", EN: "nothing is wrong"})
}

// RunExport writes the tenant's trail to out. With a sealer that has a key everything is sealed and signed first, so that
// the export ends with a checkpoint.
func RunExport(ctx context.Context, out io.Writer, db *tenancy.DB, tenant tenancy.TenantID, sealer *Sealer) (records int64, err error) {
	if sealer != nil {
		if _, err := sealer.Checkpoint(ctx, tenant); err != nil {
			return 0, err
		}
	}
	return Export(ctx, out, FromDatabase(ctx, db, tenancy.ForSystem(tenant, tenancy.SystemOperator)))
}

// RunProve writes the proof of one record as indented JSON.
func RunProve(ctx context.Context, out io.Writer, db *tenancy.DB, tenant tenancy.TenantID, record uuid.UUID) error {
	proof, err := Prove(ctx, db, tenancy.ForSystem(tenant, tenancy.SystemOperator), record)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(proof)
}

// RunCheckProof reads a proof and prints what it proves; it needs no database.
func RunCheckProof(in io.Reader, out io.Writer, tenant uuid.UUID, args VerifyArgs) error {
	keys, err := Verifiers(args.Keys...)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(in, maxLine))
	if err != nil {
		return fmt.Errorf("audit: proof: %w", err)
	}
	proof, err := ParseProof(text)
	if err != nil {
		return err
	}
	c, err := proof.Check(tenant, keys)
	if err != nil {
		return err
	}
	at := c.Time.Format(timeForm)
	_, err = fmt.Fprintln(out, fault.Text{
		ZH: fmt.Sprintf("第 %d 号记录 %s 在 %s 签名的 %d 条记录之中，内容未被改动", proof.Number, proof.Record.ID, at, c.Size),
		EN: fmt.Sprintf("record %d, %s, is among the %d records signed at %s, unaltered", proof.Number, proof.Record.ID, c.Size, at),
	}.In(args.Language))
	return err
}

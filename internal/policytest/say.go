package policytest

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Say tells in a sentence how an assertion is broken, as far as the one who is told may see it: the row by its name where
// he may read it, else its kind and how many there are; the person where he may read the directory; the rule where he may
// read the policy.
func Say(ctx context.Context, tx *tenancy.Tx, asker *policy.Rights, b *Broken) (fault.Text, error) {
	who, err := b.who(ctx, tx, asker)
	if err != nil {
		return fault.Text{}, err
	}
	what, err := b.what(ctx, tx, asker)
	if err != nil {
		return fault.Text{}, err
	}
	action, _ := policy.ActionLabel(b.Test.Action)
	object, _ := policy.LabelOf(b.Test.Object)
	zh, en := "将可", "would be allowed"
	if b.Test.Expectation == Always {
		zh, en = "将不可", "would not be allowed"
	}
	text := fault.Text{
		ZH: fmt.Sprintf("策略用例「%s」不再成立：%s%s「%s」%s%s", b.Test.Name, who.ZH, zh, action.ZH, object.ZH, what.ZH),
		EN: fmt.Sprintf("the policy test %q would not hold: %s %s %s on %s%s", b.Test.Name, who.EN, en, action.EN, object.EN, what.EN),
	}
	if b.Rule != nil && asker.Decide(policy.OnPolicy, policy.PolicyRead, &policy.Row{}).Allow {
		said := policy.RuleSentence(b.Rule)
		text.ZH += fmt.Sprintf("（规则 %d：%s）", b.Rule.Seq, said.ZH)
		text.EN += fmt.Sprintf(" (rule %d: %s)", b.Rule.Seq, said.EN)
	}
	return text, nil
}

func (b *Broken) who(ctx context.Context, tx *tenancy.Tx, asker *policy.Rights) (fault.Text, error) {
	if b.Staff == uuid.Nil {
		return fault.Text{ZH: "某应用账号", EN: "an app"}, nil
	}
	if !asker.Reach(policy.StaffDirectory, policy.Reveal).All {
		return fault.Text{ZH: "某员工", EN: "somebody"}, nil
	}
	var name string
	err := tx.QueryRow(ctx, `SELECT name FROM staff WHERE tenant_id = $1 AND id = $2`, tx.Session().Tenant.UUID(), b.Staff).Scan(&name)
	return fault.Text{ZH: name, EN: name}, wrap("name", err)
}

// Shown tells whether somebody may read the row.
func (b *Broken) Shown(ctx context.Context, tx *tenancy.Tx, asker *policy.Rights) (bool, error) {
	f, ok := access.FactsOf(b.Type)
	if !ok || asker == nil {
		return false, nil
	}
	row, err := f.Row(ctx, tx, asker, b.Row)
	if err != nil || row == nil {
		return false, err
	}
	named := map[string]policy.Object{"Client": policy.ClientList, "Contract": policy.ContractSummary, "Staff": policy.StaffDirectory, "Department": policy.OrganisationList}[b.Type]
	return f.Sees(asker, row) && asker.Decide(named, policy.Reveal, &row.Row).Allow, nil
}

func (b *Broken) what(ctx context.Context, tx *tenancy.Tx, asker *policy.Rights) (fault.Text, error) {
	if b.Type == "" {
		return fault.Text{}, nil
	}
	kind := map[string]fault.Text{
		"Client": {ZH: "客户", EN: "client"}, "Contract": {ZH: "合同", EN: "contract"}, "Staff": {ZH: "员工", EN: "staff member"}, "Department": {ZH: "部门", EN: "department"},
	}[b.Type]
	many := fmt.Sprint(b.Rows)
	if b.Rows == MostRows {
		many += "+"
	}
	shown, err := b.Shown(ctx, tx, asker)
	if err != nil {
		return fault.Text{}, err
	}
	if !shown {
		return fault.Text{ZH: fmt.Sprintf("，%s %s 个", kind.ZH, many), EN: fmt.Sprintf(", %s rows of kind %s", many, kind.EN)}, nil
	}
	column, prefix := "name", map[string]string{"Client": id.Client, "Contract": id.Contract, "Staff": id.Staff, "Department": id.Department}[b.Type]
	if b.Type == "Contract" {
		column = "number"
	}
	table := map[string]string{"Client": "clients", "Contract": "contracts", "Staff": "staff", "Department": "departments"}[b.Type]
	var name string
	err = tx.QueryRow(ctx, `SELECT `+column+` FROM `+table+` WHERE tenant_id = $1 AND id = $2`, tx.Session().Tenant.UUID(), b.Row).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	api := id.Encode(prefix, b.Row)
	return fault.Text{ZH: fmt.Sprintf("：%s %s（%s），共 %s 个", kind.ZH, name, api, many), EN: fmt.Sprintf(": %s %s (%s), %s in all", kind.EN, name, api, many)}, wrap("name", err)
}

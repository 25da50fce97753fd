package organisation_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/organisation"
	"github.com/clientele/clientele/internal/tenancy"
)

// refused runs an act that must be refused and leave nothing behind; refusals is how many the audit gains.
func refused(t *testing.T, x *identitytest.Tenant, do call, refusals int64, want ...string) {
	t.Helper()
	before := x.Footprint(t)
	_, err := do(t.Context(), x.Admin.Session, identitytest.Key())
	identitytest.Refused(t, err, want...)
	x.Unchanged(t, before, refusals)
}

func TestBadInputIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	long, badCode, nul := strings.Repeat("长", 10000), "91350100M000100Y44", "a\x00b"
	refused(t, x, of(x.Organisation.CompanyOpen, organisation.CompanyOpen{Name: long, UnifiedCreditCode: &badCode, LegalRepresentative: &nul}), 0,
		"INVALID_INPUT TOO_LONG input.name", "INVALID_INPUT CREDIT_CODE_CHECK_DIGIT input.unifiedCreditCode", "INVALID_INPUT TEXT_MALFORMED input.legalRepresentative")
	refused(t, x, of(x.Organisation.CompanyChange, organisation.CompanyChange{Company: x.Company, Name: input.Null[string](), UnifiedCreditCode: input.Set("1")}), 0,
		"INVALID_INPUT VERSION_MALFORMED input.expectedVersion", "INVALID_INPUT REQUIRED input.name", "INVALID_INPUT CREDIT_CODE_LENGTH input.unifiedCreditCode")
	refused(t, x, of(x.Organisation.DepartmentOpen, organisation.DepartmentOpen{Company: x.Company, Name: string([]byte{0xff, 'a'}), Kind: "department"}), 0,
		"INVALID_INPUT TEXT_MALFORMED input.name", "INVALID_INPUT UNKNOWN_VALUE input.kind")
	refused(t, x, of(x.Organisation.DepartmentClose, organisation.DepartmentClose{Department: x.Department, Reason: "\n "}), 0,
		"INVALID_INPUT VERSION_MALFORMED input.expectedVersion", "INVALID_INPUT REQUIRED input.reason")
	refused(t, x, of(x.Organisation.PositionCreate, organisation.PositionCreate{Department: x.Department, Title: "a\nb", Duties: &nul}), 0,
		"INVALID_INPUT CONTROL_CHARACTERS input.title", "INVALID_INPUT TEXT_MALFORMED input.duties")
	phone, email, day := "abc", "nobody", time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC)
	refused(t, x, of(x.Organisation.StaffHire, organisation.StaffHire{Number: "", Name: "a\u202eb", Phone: &phone, Email: &email, HiredOn: &day, Department: x.Department}), 0,
		"INVALID_INPUT REQUIRED input.number", "INVALID_INPUT CONTROL_CHARACTERS input.name", "INVALID_INPUT PHONE_MALFORMED input.phone",
		"INVALID_INPUT EMAIL_MALFORMED input.email", "INVALID_INPUT DATE_OUT_OF_RANGE input.hiredOn")
}

func TestReferencesToNobodyAndToAnotherTenantLookTheSame(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t)
	x, foreign := w.Tenant(t, "home"), w.Tenant(t, "foreign")
	section := department(t, x, "一科", nil)
	for _, u := range []struct{ company, department, staff uuid.UUID }{{uuid.New(), uuid.New(), uuid.New()}, {foreign.Company, foreign.Department, foreign.Manager.Staff}} {
		refused(t, x, of(x.Organisation.CompanyOpen, organisation.CompanyOpen{Name: "子公司", Parent: &u.company}), 0, "INVALID_INPUT NOT_FOUND input.parentId")
		refused(t, x, of(x.Organisation.DepartmentOpen, organisation.DepartmentOpen{Company: u.company, Name: "部", Kind: "STORE"}), 0, "INVALID_INPUT NOT_FOUND input.companyId")
		refused(t, x, of(x.Organisation.DepartmentChange, organisation.DepartmentChange{Department: section, ExpectedVersion: 1, Parent: input.Set(u.department)}), 0, "INVALID_INPUT NOT_FOUND input.parentId")
		refused(t, x, of(x.Organisation.DepartmentChange, organisation.DepartmentChange{Department: section, ExpectedVersion: 1, Head: input.Set(u.staff)}), 0, "INVALID_INPUT NOT_FOUND input.headId")
		refused(t, x, of(x.Organisation.StaffHire, organisation.StaffHire{Number: "9", Name: "人", Department: u.department}), 0, "INVALID_INPUT NOT_FOUND input.departmentId")
		refused(t, x, of(x.Organisation.StaffHire, organisation.StaffHire{Number: "9", Name: "人", Department: x.Department, Superior: &u.staff}), 0, "INVALID_INPUT NOT_FOUND input.superiorId")
		refused(t, x, of(x.Organisation.StaffHire, organisation.StaffHire{Number: "9", Name: "人", Department: x.Department, Position: &u.staff}), 0, "INVALID_INPUT NOT_FOUND input.positionId")
		refused(t, x, of(x.Organisation.StaffChangeSuperior, organisation.StaffChangeSuperior{Staff: x.Nobody.Staff, ExpectedVersion: 1, Superior: &u.staff}), 0, "INVALID_INPUT NOT_FOUND input.superiorId")
		refused(t, x, of(x.Organisation.CompanyChange, organisation.CompanyChange{Company: u.company, ExpectedVersion: 1}), 1, "NOT_FOUND NOT_FOUND")
		refused(t, x, of(x.Organisation.DepartmentClose, organisation.DepartmentClose{Department: u.department, ExpectedVersion: 1, Reason: "x"}), 1, "NOT_FOUND NOT_FOUND")
		refused(t, x, of(x.Organisation.StaffTransfer, organisation.StaffTransfer{Staff: u.staff, ExpectedVersion: 1, Department: x.Department}), 1, "NOT_FOUND NOT_FOUND")
	}
}

func TestTreesStayTrees(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	child := company(t, x, "子公司", &x.Company)
	grandchild := company(t, x, "孙公司", &child)
	for _, parent := range []uuid.UUID{child, grandchild} {
		refused(t, x, of(x.Organisation.CompanyChange, organisation.CompanyChange{Company: child, ExpectedVersion: 1, Parent: input.Set(parent)}), 0, "INVALID_INPUT CYCLE input.parentId")
	}
	a := department(t, x, "甲", nil)
	b := department(t, x, "乙", &a)
	c := department(t, x, "丙", &b)
	for _, parent := range []uuid.UUID{a, b, c} {
		refused(t, x, of(x.Organisation.DepartmentChange, organisation.DepartmentChange{Department: a, ExpectedVersion: 1, Parent: input.Set(parent)}), 0, "INVALID_INPUT CYCLE input.parentId")
	}
	elsewhere := made(t, x, x.Organisation.DepartmentOpen, organisation.DepartmentOpen{Company: child, Name: "外", Kind: "DEPARTMENT"})
	refused(t, x, of(x.Organisation.DepartmentChange, organisation.DepartmentChange{Department: a, ExpectedVersion: 1, Parent: input.Set(elsewhere)}), 0, "INVALID_INPUT PARENT_OF_ANOTHER_COMPANY input.parentId")
	refused(t, x, of(x.Organisation.DepartmentOpen, organisation.DepartmentOpen{Company: x.Company, Name: "丁", Kind: "DEPARTMENT", Parent: &elsewhere}), 0, "INVALID_INPUT PARENT_OF_ANOTHER_COMPANY input.parentId")

	made(t, x, x.Organisation.StaffChangeSuperior, organisation.StaffChangeSuperior{Staff: x.Manager.Staff, ExpectedVersion: 1, Superior: &x.Admin.Staff})
	made(t, x, x.Organisation.StaffChangeSuperior, organisation.StaffChangeSuperior{Staff: x.Nobody.Staff, ExpectedVersion: 1, Superior: &x.Manager.Staff})
	for _, superior := range []uuid.UUID{x.Admin.Staff, x.Manager.Staff, x.Nobody.Staff} {
		refused(t, x, of(x.Organisation.StaffChangeSuperior, organisation.StaffChangeSuperior{Staff: x.Admin.Staff, ExpectedVersion: 1, Superior: &superior}), 0, "INVALID_INPUT CYCLE input.superiorId")
		refused(t, x, of(x.Organisation.StaffTransfer, organisation.StaffTransfer{Staff: x.Admin.Staff, ExpectedVersion: 1, Department: a, Superior: &superior}), 0, "INVALID_INPUT CYCLE input.superiorId")
	}
}

// Two moves that are each lawful and together make a cycle: exactly one wins, every time.
func TestConcurrentMovesMakeNoCycle(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	for range 8 {
		a, b := department(t, x, "甲", nil), department(t, x, "乙", nil)
		moves := []call{
			of(x.Organisation.DepartmentChange, organisation.DepartmentChange{Department: a, ExpectedVersion: 1, Parent: input.Set(b)}),
			of(x.Organisation.DepartmentChange, organisation.DepartmentChange{Department: b, ExpectedVersion: 1, Parent: input.Set(a)}),
		}
		exactlyOne(t, x, moves, "INVALID_INPUT CYCLE input.parentId")
		p, q := x.Person(t, "p"+uuid.NewString()[:8]).Staff, x.Person(t, "q"+uuid.NewString()[:8]).Staff
		exactlyOne(t, x, []call{
			of(x.Organisation.StaffChangeSuperior, organisation.StaffChangeSuperior{Staff: p, ExpectedVersion: 1, Superior: &q}),
			of(x.Organisation.StaffChangeSuperior, organisation.StaffChangeSuperior{Staff: q, ExpectedVersion: 1, Superior: &p}),
		}, "INVALID_INPUT CYCLE input.superiorId")
	}
}

func exactlyOne(t *testing.T, x *identitytest.Tenant, calls []call, want string) {
	t.Helper()
	errs := make([]error, len(calls))
	var wg sync.WaitGroup
	for i, do := range calls {
		wg.Go(func() { _, errs[i] = do(t.Context(), x.Admin.Session, identitytest.Key()) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("%v and %v", errs[0], errs[1])
	}
	for _, err := range errs {
		if err != nil {
			identitytest.Refused(t, err, want)
		}
	}
}

func TestStaleVersions(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	section := department(t, x, "一科", nil)
	for _, do := range []call{
		of(x.Organisation.CompanyChange, organisation.CompanyChange{Company: x.Company, ExpectedVersion: 7, Name: input.Set("新")}),
		of(x.Organisation.CompanyDissolve, organisation.CompanyDissolve{Company: x.Company, ExpectedVersion: 7, Reason: "x"}),
		of(x.Organisation.DepartmentChange, organisation.DepartmentChange{Department: section, ExpectedVersion: 7}),
		of(x.Organisation.DepartmentClose, organisation.DepartmentClose{Department: section, ExpectedVersion: 7, Reason: "x"}),
		of(x.Organisation.StaffTransfer, organisation.StaffTransfer{Staff: x.Nobody.Staff, ExpectedVersion: 7, Department: section}),
		of(x.Organisation.StaffChangeSuperior, organisation.StaffChangeSuperior{Staff: x.Nobody.Staff, ExpectedVersion: 7}),
	} {
		refused(t, x, do, 0, "STALE_VERSION STALE_VERSION input.expectedVersion")
		_, err := do(t.Context(), x.Admin.Session, identitytest.Key())
		if list, _ := fault.As(err); list[0].Current["version"] != int64(1) {
			t.Errorf("current version %v", list[0].Current)
		}
	}
}

func TestClosing(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	sub := company(t, x, "子公司", &x.Company)
	root := made(t, x, x.Organisation.DepartmentOpen, organisation.DepartmentOpen{Company: sub, Name: "部", Kind: "DEPARTMENT"})
	child := made(t, x, x.Organisation.DepartmentOpen, organisation.DepartmentOpen{Company: sub, Name: "科", Kind: "SECTION", Parent: &root})
	member := made(t, x, x.Organisation.StaffHire, organisation.StaffHire{Number: "77", Name: "员工", Department: root})
	client := x.IDs.New()
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO clients (tenant_id, id, company_id, department_id, code, name, created_at, updated_at) VALUES ($1, $2, $3, $4, 'C1', '客户', $5, $5)`,
			x.ID.UUID(), client, sub, root, tx.Now())
		return err
	})
	closing := of(x.Organisation.DepartmentClose, organisation.DepartmentClose{Department: root, ExpectedVersion: 1, Reason: "撤并"})
	refused(t, x, closing, 0, "INVALID_STATE DEPARTMENT_HAS_CHILDREN", "INVALID_STATE DEPARTMENT_HAS_STAFF", "INVALID_STATE DEPARTMENT_HAS_CLIENTS")
	refused(t, x, of(x.Organisation.CompanyDissolve, organisation.CompanyDissolve{Company: x.Company, ExpectedVersion: 1, Reason: "x"}), 0,
		"INVALID_STATE COMPANY_HAS_SUBSIDIARIES", "INVALID_STATE COMPANY_HAS_DEPARTMENTS")

	made(t, x, x.Organisation.DepartmentClose, organisation.DepartmentClose{Department: child, ExpectedVersion: 1, Reason: "撤并"})
	made(t, x, x.Organisation.StaffTransfer, organisation.StaffTransfer{Staff: member, ExpectedVersion: 1, Department: x.Department})
	refused(t, x, closing, 0, "INVALID_STATE DEPARTMENT_HAS_CLIENTS")
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE clients SET company_id = $3, department_id = $4 WHERE tenant_id = $1 AND id = $2`, x.ID.UUID(), client, x.Company, x.Department)
		return err
	})
	made(t, x, x.Organisation.DepartmentClose, organisation.DepartmentClose{Department: root, ExpectedVersion: 1, Reason: "撤并"})
	refused(t, x, of(x.Organisation.DepartmentClose, organisation.DepartmentClose{Department: root, ExpectedVersion: 2, Reason: "x"}), 0, "INVALID_STATE DEPARTMENT_CLOSED")
	refused(t, x, of(x.Organisation.StaffHire, organisation.StaffHire{Number: "78", Name: "人", Department: root}), 0, "INVALID_INPUT DEPARTMENT_CLOSED input.departmentId")
	made(t, x, x.Organisation.CompanyDissolve, organisation.CompanyDissolve{Company: sub, ExpectedVersion: 1, Reason: "合并"})
	refused(t, x, of(x.Organisation.CompanyOpen, organisation.CompanyOpen{Name: "孙", Parent: &sub}), 0, "INVALID_INPUT COMPANY_DISSOLVED input.parentId")
	refused(t, x, of(x.Organisation.CompanyChange, organisation.CompanyChange{Company: sub, ExpectedVersion: 2, Name: input.Set("x")}), 0, "INVALID_STATE COMPANY_DISSOLVED")
}

func TestTakenNumbersAndCodes(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t)
	x, foreign := w.Tenant(t, "home"), w.Tenant(t, "foreign")
	code := "91350100M000100Y43"
	sub := made(t, x, x.Organisation.CompanyOpen, organisation.CompanyOpen{Name: "甲", UnifiedCreditCode: &code})
	refused(t, x, of(x.Organisation.CompanyOpen, organisation.CompanyOpen{Name: "乙", UnifiedCreditCode: &code}), 0, "CONFLICT CREDIT_CODE_TAKEN input.unifiedCreditCode")
	refused(t, x, of(x.Organisation.CompanyChange, organisation.CompanyChange{Company: x.Company, ExpectedVersion: 1, UnifiedCreditCode: input.Set(code)}), 0, "CONFLICT CREDIT_CODE_TAKEN input.unifiedCreditCode")
	refused(t, x, of(x.Organisation.StaffHire, organisation.StaffHire{Number: "manager", Name: "人", Department: x.Department}), 0, "CONFLICT NUMBER_TAKEN input.number")
	// another tenant learns nothing of it
	made(t, foreign, foreign.Organisation.CompanyOpen, organisation.CompanyOpen{Name: "乙", UnifiedCreditCode: &code})
	// cleared, the code is free again
	made(t, x, x.Organisation.CompanyChange, organisation.CompanyChange{Company: sub, ExpectedVersion: 1, UnifiedCreditCode: input.Null[string]()})
	made(t, x, x.Organisation.CompanyOpen, organisation.CompanyOpen{Name: "丙", UnifiedCreditCode: &code})
}

func TestTransferEndsAndBegins(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	section := department(t, x, "二科", nil)
	position := made(t, x, x.Organisation.PositionCreate, organisation.PositionCreate{Department: section, Title: "经理"})
	refused(t, x, of(x.Organisation.StaffTransfer, organisation.StaffTransfer{Staff: x.Nobody.Staff, ExpectedVersion: 1, Department: x.Department, Position: &position}), 0,
		"INVALID_INPUT POSITION_OF_ANOTHER_DEPARTMENT input.positionId")
	made(t, x, x.Organisation.StaffTransfer, organisation.StaffTransfer{Staff: x.Nobody.Staff, ExpectedVersion: 1, Department: section, Position: &position, Superior: &x.Manager.Staff})
	var open, ended, gapless, mirrored, history int
	var name string
	x.Scan(t, `SELECT count(*) FILTER (WHERE valid_until IS NULL), count(*) FILTER (WHERE valid_until IS NOT NULL),
		count(*) FILTER (WHERE valid_from = (SELECT valid_until FROM employments o WHERE o.tenant_id = $1 AND o.staff_id = $2 AND o.valid_until IS NOT NULL)),
		count(*) FILTER (WHERE valid_until IS NULL AND department_id = (SELECT department_id FROM staff WHERE tenant_id = $1 AND id = $2)),
		(SELECT count(*) FROM employments_history WHERE tenant_id = $1 AND staff_id = $2), (SELECT pinyin FROM staff WHERE tenant_id = $1 AND id = $2)
		FROM employments WHERE tenant_id = $1 AND staff_id = $2`, []any{x.Nobody.Staff}, &open, &ended, &gapless, &mirrored, &history, &name)
	if open != 1 || ended != 1 || gapless != 1 || mirrored != 1 || history != 1 || name != "yuan gong nobody" {
		t.Errorf("open %d, ended %d, gapless %d, mirrored %d, history %d, pinyin %q", open, ended, gapless, mirrored, history, name)
	}
}

func TestHRHiresButOpensNoDepartment(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	hr := x.Person(t, "hr", "hr_officer")
	before := x.Footprint(t)
	_, err := x.Organisation.DepartmentOpen(t.Context(), hr.Session, organisation.DepartmentOpen{Company: x.Company, Name: "部", Kind: "DEPARTMENT"}, identitytest.Key())
	identitytest.Refused(t, err, "FORBIDDEN NO_ROLE")
	x.Unchanged(t, before, 1)
	if _, err := x.Organisation.StaffHire(t.Context(), hr.Session, organisation.StaffHire{Number: "H1", Name: "新人", Department: x.Department}, identitytest.Key()); err != nil {
		t.Error(err)
	}
}

// Rights that reach a department and below do not reach its neighbours, nor let anything be moved to them or to the top.
func TestScopedRights(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	x.Allow(t, "store_manager", "DEPT_TREE", [][2]string{
		{"organisation", "department.change"}, {"organisation", "department.open"}, {"organisation#list", "write"}, {"staff", "staff.transfer"}, {"staff#directory", "write"},
	}...)
	mine, neighbour := department(t, x, "甲", nil), department(t, x, "乙", nil)
	below := department(t, x, "丙", &mine)
	head := x.Person(t, "head", "store_manager")
	made(t, x, x.Organisation.StaffTransfer, organisation.StaffTransfer{Staff: head.Staff, ExpectedVersion: 1, Department: mine})
	made(t, x, x.Organisation.StaffTransfer, organisation.StaffTransfer{Staff: x.Nobody.Staff, ExpectedVersion: 1, Department: below})
	for name, do := range map[string]call{
		"move to a neighbour":        of(x.Organisation.DepartmentChange, organisation.DepartmentChange{Department: below, ExpectedVersion: 1, Parent: input.Set(neighbour)}),
		"move to the top":            of(x.Organisation.DepartmentChange, organisation.DepartmentChange{Department: below, ExpectedVersion: 1, Parent: input.Null[uuid.UUID]()}),
		"change a neighbour":         of(x.Organisation.DepartmentChange, organisation.DepartmentChange{Department: neighbour, ExpectedVersion: 1, Parent: input.Set(mine)}),
		"open beside":                of(x.Organisation.DepartmentOpen, organisation.DepartmentOpen{Company: x.Company, Name: "丁", Kind: "STORE"}),
		"send somebody away":         of(x.Organisation.StaffTransfer, organisation.StaffTransfer{Staff: x.Nobody.Staff, ExpectedVersion: 2, Department: neighbour}),
		"fetch somebody":             of(x.Organisation.StaffTransfer, organisation.StaffTransfer{Staff: x.Manager.Staff, ExpectedVersion: 1, Department: mine}),
		"change one's own superior?": of(x.Organisation.StaffChangeSuperior, organisation.StaffChangeSuperior{Staff: head.Staff, ExpectedVersion: 2}),
	} {
		before := x.Footprint(t)
		_, err := do(t.Context(), head.Session, identitytest.Key())
		if fault.CodeOf(err) != fault.ForbiddenCode {
			t.Errorf("%s: %v", name, err)
		}
		x.Unchanged(t, before, 1)
	}
	for name, do := range map[string]call{
		"rename below":       of(x.Organisation.DepartmentChange, organisation.DepartmentChange{Department: below, ExpectedVersion: 1, Name: input.Set("丙二")}),
		"open below":         of(x.Organisation.DepartmentOpen, organisation.DepartmentOpen{Company: x.Company, Name: "丁", Kind: "STORE", Parent: &below}),
		"transfer inside it": of(x.Organisation.StaffTransfer, organisation.StaffTransfer{Staff: x.Nobody.Staff, ExpectedVersion: 2, Department: mine}),
	} {
		if _, err := do(t.Context(), head.Session, identitytest.Key()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

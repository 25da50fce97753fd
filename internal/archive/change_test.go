package archive_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/testkit/world"
	"github.com/clientele/clientele/policy"
)

func TestChangeProfileRecordsWhatDiffers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.open(f.rep, "甲公司")
	in := archive.ClientChangeProfile{Target: c, Source: "营业执照", Profile: archive.Profile{
		LegalRepresentative: input.Set("张三"), Phone: input.Set("010-8888 6666"), Address: input.Null[string](),
	}}
	r, err := f.ClientChangeProfile(t.Context(), f.rep.Session, in, f.Key())
	if err != nil || r.Subject.Version != 2 {
		t.Fatal(r, err)
	}
	f.is("legalRepresentative|1|-|张三|营业执照|"+f.rep.Staff.String()+";phone|1|-|010-8888 6666|营业执照|"+f.rep.Staff.String(),
		`SELECT field, field_class, old_value, new_value, source, reported_by FROM client_changes WHERE tenant_id = $1 ORDER BY field`)
	f.is("1|-;2|张三", `SELECT version, legal_representative FROM clients_history WHERE tenant_id = $1 UNION ALL
		SELECT version, legal_representative FROM clients WHERE tenant_id = $1 ORDER BY 1`)
	f.is("1", `SELECT count(*) FROM client_search_terms WHERE tenant_id = $1 AND term = '6666' AND field_class = 1`)
	f.is("2|client.profileChanged.v1|2|张三", `SELECT seq, type, subject_version, snapshot->'client#standard'->>'legalRepresentative' FROM events WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1`)
	f.is(`{"changes": [{"field": "legalRepresentative"}, {"field": "phone"}]}`, `SELECT detail::text FROM audit_records WHERE tenant_id = $1 AND act = 'client.changeProfile'`)

	// the same values again: nothing is recorded, the version stays
	in.ExpectedVersion = 2
	if r, err = f.ClientChangeProfile(t.Context(), f.rep.Session, in, f.Key()); err != nil || r.Subject.Version != 2 {
		t.Fatal(r, err)
	}
	f.is("2", `SELECT count(*) FROM client_changes WHERE tenant_id = $1`)

	f.refused("stale", "STALE_VERSION input.expectedVersion STALE_VERSION", func() error {
		in.ExpectedVersion = 1
		_, err := f.ClientChangeProfile(t.Context(), f.rep.Session, in, f.Key())
		return err
	})
	in.ExpectedVersion = 2
	for what, who := range map[string]struct {
		world.Person
		want string
	}{
		"not on the team": {f.rep2, "NOT_FOUND  NOT_FOUND"}, "another tenant": {f.foreign, "NOT_FOUND  NOT_FOUND"},
		"only the list": {f.reader, "FORBIDDEN  NO_ROLE"},
	} {
		if who.Person.Staff == f.foreign.Staff { // its refusal is recorded in its own tenant
			_, err := f.ClientChangeProfile(t.Context(), who.Session, in, f.Key())
			if reason(err) != who.want {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		f.refused(what, who.want, func() error {
			_, err := f.ClientChangeProfile(t.Context(), who.Session, in, f.Key())
			return err
		})
	}
	f.refused("nobody's id", "NOT_FOUND  NOT_FOUND", func() error {
		in.ClientID = f.Nowhere
		_, err := f.ClientChangeProfile(t.Context(), f.kam.Session, in, f.Key())
		return err
	})
}

func TestChangeListMakesFormerNamesAndSteps(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.open(f.rep, "长安机器厂")
	change := func(who world.Person, in archive.ClientChangeList) error {
		in.Target, in.Source = c, "来函"
		r, err := f.ClientChangeList(t.Context(), who.Session, in, f.Key())
		if err == nil {
			c.ExpectedVersion = r.Subject.Version
		}
		return err
	}
	for _, in := range []archive.ClientChangeList{
		{Name: input.Set("重庆长安"), Stage: input.Set(archive.StageDeveloping), Grade: input.Set("A")},
		{Name: input.Set("长安机器厂")},
		{Name: input.Set("重庆长安"), SortKey: input.Set("own key")},
		{Name: input.Set("长安集团"), Kinds: input.Set([]string{"SUPPLIER", "KEY"})},
	} {
		if err := change(f.kam, in); err != nil {
			t.Fatal(err)
		}
	}
	f.is("长安集团|own key|developing|A|5", `SELECT name, sort_key, stage, grade, version FROM clients WHERE tenant_id = $1`)
	f.is("重庆长安;长安机器厂", `SELECT name FROM client_former_names WHERE tenant_id = $1 ORDER BY name`)
	f.is("KEY;SUPPLIER", `SELECT kind FROM client_kinds WHERE tenant_id = $1 ORDER BY 1`)
	f.is("1|0", `SELECT min(field_class), max(field_class) - 1 FROM client_search_terms WHERE tenant_id = $1 AND term = '机器'`)
	f.is("1", `SELECT field_class FROM client_changes WHERE tenant_id = $1 AND field = 'grade'`)
	f.refused("a leap", "INVALID_STATE input.stage STAGE_TRANSITION", func() error {
		return change(f.kam, archive.ClientChangeList{Stage: input.Set(archive.StageTrading)})
	})
	f.refused("disposal", "INVALID_STATE input.stage STAGE_TRANSITION", func() error {
		return change(f.kam, archive.ClientChangeList{Stage: input.Set(archive.StageDisposed)})
	})
	f.refused("required", "INVALID_INPUT input.name REQUIRED; INVALID_INPUT input.stage REQUIRED", func() error {
		return change(f.kam, archive.ClientChangeList{Name: input.Null[string](), Stage: input.Null[string]()})
	})
	f.refused("special needs a type", "INVALID_INPUT input.specialType SPECIAL_TYPE_REQUIRED", func() error {
		return change(f.kam, archive.ClientChangeList{Kinds: input.Set([]string{"KEY", "SPECIAL"})})
	})
	f.Exec(`UPDATE clients SET stage = 'disposed' WHERE tenant_id = $1`)
	f.refused("disposed", "INVALID_STATE  CLIENT_DISPOSED", func() error { return change(f.kam, archive.ClientChangeList{Region: input.Set("华东")}) })
}

// The list act gives no right on the standard group: the grade belongs there.
func TestAFieldNeedsTheWriteRightOfItsGroup(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.open(f.rep, "甲")
	f.Allow("list_reader", policy.OnClient, policy.ClientChangeList, policy.Tenant)
	f.Allow("list_reader", policy.ClientList, policy.Write, policy.Tenant)
	f.refused("grade", "FORBIDDEN  NO_ROLE", func() error {
		_, err := f.ClientChangeList(t.Context(), f.reader.Session, archive.ClientChangeList{Target: c, Grade: input.Set("A"), Region: input.Set("华东"), Source: "x"}, f.Key())
		return err
	})
	if _, err := f.ClientChangeList(t.Context(), f.reader.Session, archive.ClientChangeList{Target: c, Region: input.Set("华东"), Source: "x"}, f.Key()); err != nil {
		t.Error(err)
	}
}

func TestDealingsAndCredit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.open(f.rep, "甲")
	on := day("2026-12-01").Add(5 * time.Hour)
	dealings := archive.ClientChangeDealings{Target: c, PolicyNote: input.Set("一\r\n二"), NextContactOn: input.Set(on), Source: "拜访"}
	r, err := f.ClientChangeDealings(t.Context(), f.kam.Session, dealings, f.Key())
	if err != nil {
		t.Fatal(err)
	}
	c.ExpectedVersion = r.Subject.Version
	credit := archive.ClientChangeCredit{Target: c, CreditLimit: input.Set(input.Money{Minor: 100, Currency: "CNY"}), CreditNote: input.Set("好"), Source: "财务"}
	if r, err = f.ClientChangeCredit(t.Context(), f.kam.Session, credit, f.Key()); err != nil {
		t.Fatal(err)
	}
	f.is("一\n二|2026-12-01|100|CNY|好|3", `SELECT policy_note, next_contact_on, credit_limit_minor, credit_limit_currency, credit_note, version FROM clients WHERE tenant_id = $1`)
	f.is("creditLimit|4|100 CNY;creditNote|4|好;nextContactOn|3|2026-12-01;policyNote|3|一\n二",
		`SELECT field, field_class, new_value FROM client_changes WHERE tenant_id = $1 ORDER BY field`)
	f.is("0", `SELECT count(*) FROM audit_records WHERE tenant_id = $1 AND detail::text LIKE '%100 CNY%'`)
	credit.ExpectedVersion, credit.CreditLimit = r.Subject.Version, input.Null[input.Money]()
	if _, err = f.ClientChangeCredit(t.Context(), f.kam.Session, credit, f.Key()); err != nil {
		t.Fatal(err)
	}
	f.is("-|-", `SELECT credit_limit_minor, credit_limit_currency FROM clients WHERE tenant_id = $1`)
	credit.ExpectedVersion = 4
	f.refused("the seller keeps no limits", "FORBIDDEN  NO_ROLE", func() error {
		_, err := f.ClientChangeCredit(t.Context(), f.rep.Session, credit, f.Key())
		return err
	})
	dealings.ExpectedVersion, dealings.Attitude = 4, input.Set("友好")
	if _, err = f.ClientChangeDealings(t.Context(), f.rep.Session, dealings, f.Key()); err != nil {
		t.Error(err)
	}
	credit.ExpectedVersion = 5
	officer := f.Person(f.Department, "finance_officer")
	if _, err = f.ClientChangeCredit(t.Context(), officer.Session, credit, f.Key()); err != nil {
		t.Error(err)
	}
	f.refused("credit", "NOT_FOUND  NOT_FOUND", func() error {
		_, err := f.ClientChangeCredit(t.Context(), f.rep2.Session, credit, f.Key())
		return err
	})
}

func TestSuspendAndLift(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	in := archive.ClientReason{Target: f.open(f.rep, "甲"), Reason: "资信问题"}
	r, err := f.ClientSuspend(t.Context(), f.rep.Session, in, f.Key())
	if err != nil {
		t.Fatal(err)
	}
	in.ExpectedVersion = r.Subject.Version
	f.is("suspended|0|false|true|资信问题", `SELECT field, field_class, old_value, new_value, source FROM client_changes WHERE tenant_id = $1`)
	f.refused("twice", "INVALID_STATE  ALREADY_SUSPENDED", func() error {
		_, err := f.ClientSuspend(t.Context(), f.rep.Session, in, f.Key())
		return err
	})
	f.refused("lifting needs a superior", "FORBIDDEN  NO_ROLE", func() error {
		_, err := f.ClientLift(t.Context(), f.rep.Session, in, f.Key())
		return err
	})
	if r, err = f.ClientLift(t.Context(), f.kam.Session, in, f.Key()); err != nil {
		t.Fatal(err)
	}
	in.ExpectedVersion = r.Subject.Version
	f.refused("lift twice", "INVALID_STATE  NOT_SUSPENDED", func() error {
		_, err := f.ClientLift(t.Context(), f.kam.Session, in, f.Key())
		return err
	})
	f.Exec(`UPDATE clients SET stage = 'terminated' WHERE tenant_id = $1`)
	f.refused("ended", "INVALID_STATE  CLIENT_ENDED", func() error {
		_, err := f.ClientSuspend(t.Context(), f.kam.Session, in, f.Key())
		return err
	})
}

func TestMoveNeedsTheRightOnBothSides(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	manager := f.Person(f.Department, "sales_manager") // the company's clients
	in := archive.ClientMove{Target: f.open(f.rep, "甲"), DepartmentID: f.OtherDepartment, Reason: "调整"}
	f.refused("out of his company", "FORBIDDEN  OUT_OF_SCOPE", func() error {
		_, err := f.ClientMove(t.Context(), manager.Session, in, f.Key())
		return err
	})
	f.refused("nowhere", "NOT_FOUND input.departmentId NOT_FOUND", func() error {
		nowhere := in
		nowhere.DepartmentID = f.other.Department
		_, err := f.ClientMove(t.Context(), manager.Session, nowhere, f.Key())
		return err
	})
	in.DepartmentID = f.Sibling
	r, err := f.ClientMove(t.Context(), manager.Session, in, f.Key())
	if err != nil || r.Subject.Version != 2 {
		t.Fatal(r, err)
	}
	f.is(f.Sibling.String()+"|"+f.Company.String(), `SELECT department_id, company_id FROM clients WHERE tenant_id = $1`)
	f.is("department|大客户部|市场部", `SELECT field, old_value, new_value FROM client_changes WHERE tenant_id = $1`)
	gm := f.Person(f.Department, "general_manager")
	in.ExpectedVersion, in.DepartmentID = 2, f.OtherDepartment
	if _, err = f.ClientMove(t.Context(), gm.Session, in, f.Key()); err != nil {
		t.Fatal(err)
	}
	f.is(f.OtherCompany.String(), `SELECT company_id FROM clients WHERE tenant_id = $1`)
}

func TestAssignTeam(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	in := archive.ClientAssignTeam{Target: f.open(f.rep, "甲"), Members: []archive.TeamMember{{StaffID: f.rep2.Staff, Duty: "OWNER"}, {StaffID: f.rep.Staff, Duty: "ENGINEER"}}}
	assign := func(who world.Person) error {
		r, err := f.ClientAssignTeam(t.Context(), who.Session, in, f.Key())
		if err == nil {
			in.ExpectedVersion = r.Subject.Version
		}
		return err
	}
	if err := assign(f.kam); err != nil {
		t.Fatal(err)
	}
	f.is(f.rep2.Staff.String()+"|2", `SELECT owner_id, version FROM clients WHERE tenant_id = $1`)
	seats := `SELECT duty, staff_id FROM client_team_members WHERE tenant_id = $1 AND valid_until IS NULL ORDER BY duty`
	f.is("ENGINEER|"+f.rep.Staff.String()+";OWNER|"+f.rep2.Staff.String(), seats)
	f.is("owner|员工2|员工3;team|OWNER 员工2|ENGINEER 员工2,OWNER 员工3", `SELECT field, old_value, new_value FROM client_changes WHERE tenant_id = $1 ORDER BY field`)
	if err := assign(f.kam); err != nil || in.ExpectedVersion != 2 {
		t.Errorf("the same team again: %v %d", err, in.ExpectedVersion)
	}
	in.Members = in.Members[:1]
	if err := assign(f.kam); err != nil {
		t.Fatal(err)
	}
	f.is("OWNER|"+f.rep2.Staff.String(), seats)
	f.refused("who left the team sees nothing", "NOT_FOUND  NOT_FOUND", func() error { return assign(f.rep) })
	f.refused("own team", "FORBIDDEN  NO_ROLE", func() error { return assign(f.rep2) })
	for want, members := range map[string][]archive.TeamMember{
		"INVALID_INPUT input.members ONE_OWNER":                                                   {{StaffID: f.rep.Staff, Duty: "SERVICE"}},
		"INVALID_INPUT input.members.1.staffId MEMBER_REPEATED":                                   {{StaffID: f.rep.Staff, Duty: "OWNER"}, {StaffID: f.rep.Staff, Duty: "SERVICE"}},
		"INVALID_INPUT input.members.0.duty UNKNOWN_VALUE; INVALID_INPUT input.members ONE_OWNER": {{StaffID: f.rep.Staff, Duty: "BOSS"}},
		"NOT_FOUND input.members.1.staffId NOT_FOUND":                                             {{StaffID: f.rep.Staff, Duty: "OWNER"}, {StaffID: f.foreign.Staff, Duty: "SERVICE"}},
	} {
		in.Members = members
		f.refused(want, want, func() error { return assign(f.kam) })
	}
}

func TestDistribute(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	head := f.Person(f.Section, "section_head")
	in := archive.ClientDistribute{Target: f.open(f.rep, "甲"), DepartmentID: &f.Section}
	profile := archive.ClientChangeProfile{Target: in.Target, Source: "x", Profile: archive.Profile{Address: input.Set("北京")}}
	asHead := func() error {
		_, err := f.ClientChangeProfile(t.Context(), head.Session, profile, f.Key())
		return err
	}
	f.refused("before", "NOT_FOUND  NOT_FOUND", asHead)
	give := func(to *uuid.UUID) error {
		in.DepartmentID = to
		r, err := f.ClientDistribute(t.Context(), f.kam.Session, in, f.Key())
		if err == nil {
			in.ExpectedVersion, profile.ExpectedVersion = r.Subject.Version, r.Subject.Version
		}
		return err
	}
	if err := give(&f.Section); err != nil {
		t.Fatal(err)
	}
	if err := asHead(); err != nil {
		t.Fatal(err)
	}
	in.ExpectedVersion++
	if err := give(&f.Sibling); err != nil {
		t.Fatal(err)
	}
	f.refused("redistributed", "NOT_FOUND  NOT_FOUND", asHead)
	f.is(f.Sibling.String(), `SELECT department_id FROM client_distributions WHERE tenant_id = $1 AND valid_until IS NULL`)
	if err := give(nil); err != nil {
		t.Fatal(err)
	}
	f.is("0|2", `SELECT count(*) FILTER (WHERE valid_until IS NULL), count(*) FROM client_distributions WHERE tenant_id = $1`)
	f.Exec(`UPDATE clients SET stage = 'trading' WHERE tenant_id = $1`)
	f.refused("no prospect", "INVALID_STATE  NOT_A_PROSPECT", func() error { return give(&f.Section) })
}

// G08: the market clerk records any change and reads none of the archive but the list.
func TestRecordChange(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.open(f.rep, "甲")
	in := archive.ClientRecordChange{ClientID: c.ClientID, Field: "creditLimit", NewValue: "据报减半", Source: "行业会议"}
	r, err := f.ClientRecordChange(t.Context(), f.clerk.Session, in, f.Key())
	if err != nil || r.Subject.Type != "ClientChange" {
		t.Fatal(r, err)
	}
	f.is("creditLimit|4|-|据报减半|"+f.clerk.Staff.String(), `SELECT field, field_class, old_value, new_value, reported_by FROM client_changes WHERE tenant_id = $1`)
	f.is("1|-", `SELECT version, credit_limit_minor FROM clients WHERE tenant_id = $1`)
	f.is("true|true", `SELECT snapshot->'client#dealings' ? 'field', snapshot->'client#credit' ? 'newValue' AND NOT snapshot->'client#dealings' ? 'newValue' FROM events WHERE tenant_id = $1 AND type = 'client.changeRecorded.v1'`)
	f.refused("a reader", "FORBIDDEN  NO_ROLE", func() error {
		_, err := f.ClientRecordChange(t.Context(), f.reader.Session, in, f.Key())
		return err
	})
	in.Field, in.Source = "ownerPassword", ""
	f.refused("no such field", "INVALID_INPUT input.field UNKNOWN_FIELD; INVALID_INPUT input.source REQUIRED", func() error {
		_, err := f.ClientRecordChange(t.Context(), f.clerk.Session, in, f.Key())
		return err
	})
}

func TestContacts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.open(f.rep, "甲")
	text := func(s string) *string { return &s }
	born := day("1980-02-29")
	first, err := f.ContactAdd(t.Context(), f.rep.Session, archive.ContactAdd{ClientID: c.ClientID, Name: "李四", Phone: text("13800138000"), Birthday: &born, IsPrimary: true}, f.Key())
	if err != nil {
		t.Fatal(err)
	}
	second, err := f.ContactAdd(t.Context(), f.rep.Session, archive.ContactAdd{ClientID: c.ClientID, Name: "王五", Email: text("w@x.cn"), IsPrimary: true}, f.Key())
	if err != nil {
		t.Fatal(err)
	}
	rows := `SELECT name, is_primary, state, version FROM contacts WHERE tenant_id = $1 ORDER BY name`
	f.is("李四|false|active|2;王五|true|active|1", rows)
	in := archive.ContactChange{ContactTarget: archive.ContactTarget{ContactID: first.Subject.ID, ExpectedVersion: 2}, IsPrimary: input.Set(true), Phone: input.Null[string](), Title: input.Set("经理")}
	if _, err := f.ContactChange(t.Context(), f.rep.Session, in, f.Key()); err != nil {
		t.Fatal(err)
	}
	f.is("李四|true|active|3;王五|false|active|2", rows)
	f.is("-|经理|1980-02-29", `SELECT phone, title, birthday FROM contacts WHERE tenant_id = $1 AND name = '李四'`)
	f.refused("stale", "STALE_VERSION input.expectedVersion STALE_VERSION", func() error {
		_, err := f.ContactChange(t.Context(), f.rep.Session, in, f.Key())
		return err
	})
	in.ExpectedVersion = 3
	for _, who := range []world.Person{f.rep2, f.clerk} { // the one does not see the client, the other none of its contacts
		f.refused(who.Name, "NOT_FOUND  NOT_FOUND", func() error {
			_, err := f.ContactChange(t.Context(), who.Session, in, f.Key())
			return err
		})
	}
	if _, err := f.ContactLeave(t.Context(), f.rep.Session, archive.ContactLeave{ContactTarget: in.ContactTarget}, f.Key()); err != nil {
		t.Fatal(err)
	}
	f.is("李四|false|left|4;王五|false|active|2", rows)
	in.ExpectedVersion = 4
	f.refused("left", "INVALID_STATE  CONTACT_LEFT", func() error {
		_, err := f.ContactChange(t.Context(), f.rep.Session, in, f.Key())
		return err
	})
	f.refused("bad", "INVALID_INPUT input.name REQUIRED; INVALID_INPUT input.phone PHONE_MALFORMED; INVALID_INPUT input.email EMAIL_MALFORMED", func() error {
		_, err := f.ContactAdd(t.Context(), f.rep.Session, archive.ContactAdd{ClientID: c.ClientID, Phone: text("x"), Email: text("x")}, f.Key())
		return err
	})
	f.is("1", `SELECT count(*) FROM contacts_history WHERE tenant_id = $1 AND id = $2 AND recorded_to > recorded_from AND version = 1`, second.Subject.ID)
}

// A search is the terms of what was typed, joined by AND in the classes that the asker may see; a rename moves them.
func TestSearchInTheDatabase(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first, second := f.open(f.rep, "重庆长安汽车股份有限公司"), f.open(f.rep, "长春一汽集团")
	hits := func(query string, upTo int) string {
		terms := archive.QueryTerms(query)
		return f.Text(`SELECT c.code FROM clients c WHERE c.tenant_id = $1 AND cardinality($2::text[]) > 0 AND NOT EXISTS (SELECT FROM unnest($2::text[]) AS q (term)
			WHERE NOT EXISTS (SELECT FROM client_search_terms s WHERE s.tenant_id = c.tenant_id AND s.client_id = c.id AND s.field_class <= $3 AND s.term = q.term)) ORDER BY 1`, terms, upTo)
	}
	_, err := f.ClientChangeList(t.Context(), f.kam.Session, archive.ClientChangeList{Target: second, Name: input.Set("中国第一汽车集团有限公司"), Source: "x"}, f.Key())
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.ClientChangeProfile(t.Context(), f.kam.Session, archive.ClientChangeProfile{Target: first, Source: "x", Profile: archive.Profile{Phone: input.Set("023-67594008")}}, f.Key())
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][2]string{ // found by the list alone, and with the standard archive
		"汽车": {"KA-000001;KA-000002", "KA-000001;KA-000002"}, "长安": {"KA-000001", "KA-000001"}, "changchun": {"", "KA-000002"}, "长春一汽": {"", "KA-000002"},
		"zgdyqc": {"KA-000002", "KA-000002"}, "4008": {"", "KA-000001"}, "KA-000002": {"KA-000002", "KA-000002"}, "长": {"KA-000001", "KA-000001;KA-000002"}, "丰田": {"", ""}, " ": {"", ""},
	} {
		if got := [2]string{hits(query, 0), hits(query, 1)}; got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
}

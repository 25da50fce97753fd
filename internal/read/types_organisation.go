package read

import (
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

func organisationTypes() []*Type {
	org, dir, file := policy.OrganisationList, policy.StaffDirectory, policy.StaffPersonnel
	phone := col(file, KindText, "phone", "phone")
	phone.Mask = phoneMask
	set := policy.TenantSettings
	return []*Type{
		{
			Name: "Tenant", Prefix: id.Tenant, Table: "tenants", Key: "tenant_id", Public: true, Entity: policy.OnTenant,
			Fields: []Field{
				idField(id.Tenant, "tenant_id"),
				col(set, KindText, "slug", "slug"), col(set, KindText, "name", "name"), col(set, KindText, "locale", "locale"),
				col(set, KindText, "timezone", "timezone"), col(set, KindEnum, "state", "state"), version(), createdAt(),
			},
		},
		{
			Name: "Company", Prefix: id.Company, Table: "companies", Twin: true, Entity: policy.OnOrganisation,
			Facts: policy.Columns{Company: "{}.id"},
			Fields: []Field{
				idField(id.Company, "id"),
				col(org, KindText, "name", "name"), col(org, KindText, "unifiedCreditCode", "unified_credit_code"),
				col(org, KindText, "legalRepresentative", "legal_representative"), col(org, KindEnum, "state", "state"),
				one(org, "parent", "parent_id", "Company"),
				many(org, "children", "Company", "parent_id", byID()), many(org, "departments", "Department", "company_id", byID()),
				version(), createdAt(), updatedAt(),
			},
		},
		{
			Name: "Department", Prefix: id.Department, Table: "departments", Twin: true, Entity: policy.OnOrganisation,
			Facts: policy.Columns{Company: "{}.company_id", Department: "{}.id"},
			Fields: []Field{
				idField(id.Department, "id"),
				col(org, KindText, "name", "name"), col(org, KindEnum, "kind", "kind"), col(org, KindEnum, "state", "state"),
				one(org, "company", "company_id", "Company"), one(org, "parent", "parent_id", "Department"), one(org, "head", "head_id", "Staff"),
				many(org, "children", "Department", "parent_id", byID()), many(org, "positions", "Position", "department_id", byID()),
				many(org, "staff", "Staff", "department_id", staffByName()),
				version(), createdAt(), updatedAt(),
			},
		},
		{
			Name: "Position", Prefix: id.Position, Table: "positions", Twin: true,
			Anchor: "Department", AnchorKey: "department_id", Cover: org,
			Fields: []Field{
				idField(id.Position, "id"),
				col(org, KindText, "title", "title"), col(org, KindText, "duties", "duties"), col(org, KindEnum, "state", "state"),
				one(org, "department", "department_id", "Department"), version(),
			},
		},
		{
			Name: "Staff", Prefix: id.Staff, Table: "staff", Twin: true, Entity: policy.OnStaff,
			Facts: policy.Columns{Company: "{}.company_id", Department: "{}.department_id", Staff: "{}.id"},
			Fields: []Field{
				idField(id.Staff, "id"),
				col(dir, KindText, "number", "number"), col(dir, KindText, "name", "name"), col(dir, KindText, "pinyin", "pinyin"),
				col(dir, KindEnum, "state", "state"),
				one(dir, "company", "company_id", "Company"), one(dir, "department", "department_id", "Department"),
				phone, col(file, KindText, "email", "email"), col(file, KindDate, "hiredOn", "hired_on"), col(file, KindDate, "leftOn", "left_on"),
				many(dir, "employments", "Employment", "staff_id", byID()),
				version(), createdAt(), updatedAt(),
			},
		},
		{
			Name: "Employment", Prefix: id.Employment, Table: "employments", Twin: true,
			Anchor: "Staff", AnchorKey: "staff_id", Cover: dir,
			Fields: []Field{
				idField(id.Employment, "id"),
				one(dir, "staff", "staff_id", "Staff"), one(dir, "company", "company_id", "Company"),
				one(dir, "department", "department_id", "Department"), one(dir, "position", "position_id", "Position"),
				one(dir, "superior", "superior_id", "Staff"), col(dir, KindBool, "isPrimary", "is_primary"),
				col(dir, KindTime, "validFrom", "valid_from"), col(dir, KindTime, "validUntil", "valid_until"), version(),
			},
		},
	}
}

func staffByName() Order {
	return Order{Name: "NAME", Group: policy.StaffDirectory, Expr: `{}.name COLLATE "zh-x-icu"`, Kind: KindText}
}

func staffList() *List {
	dir := policy.StaffDirectory
	return &List{
		Target: "Staff",
		Filter: []Filter{
			{Name: "name", Group: dir, Kind: FilterText, SQL: "starts_with({}.name, ?::text)"},
			{Name: "number", Group: dir, Kind: FilterText, SQL: "{}.number = ?::text", Unique: true},
			{Name: "departmentIds", Group: dir, Kind: FilterIDs, Prefix: id.Department, SQL: "{}.department_id = ANY(?::uuid[])"},
			{Name: "companyIds", Group: dir, Kind: FilterIDs, Prefix: id.Company, SQL: "{}.company_id = ANY(?::uuid[])"},
			{Name: "states", Group: dir, Kind: FilterEnums, SQL: "{}.state = ANY(?::text[])"},
		},
		Orders: []Order{
			staffByName(),
			{Name: "NUMBER", Group: dir, Expr: "{}.number", Kind: KindText},
			{Name: "CREATED_AT", Group: Open, Expr: "{}.created_at", Kind: KindTime},
		},
		Default: staffByName(),
	}
}

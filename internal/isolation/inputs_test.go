package isolation

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/input"
)

// kinds says what an id in an input is of: by "Act.Field", else by the field alone. An id that is in neither makes the run red.
func kinds() map[string]string {
	return map[string]string{
		"ClientID": "client", "Client": "client", "ContactID": "contact", "ContractID": "contract", "ObligationID": "obligation",
		"DepartmentID": "department", "Department": "department", "CompanyID": "company", "Company": "company",
		"OwnerID": "staff", "StaffID": "staff", "Staff": "staff", "Head": "staff", "Superior": "staff", "Grantee": "grantee",
		"Reviewer": "keeper", "Position": "position", "Account": "account", "Session": "session", "Token": "token", "Binding": "binding", "Grant": "grant", "Review": "review", "Item": "review item",

		"StaffChangeSuperior.Staff": "grantee", "StaffTransfer.Staff": "grantee",
		"CompanyChange.Parent": "company", "CompanyOpen.Parent": "company", "CompanyChange.Company": "company without anything",
		"ClientLift.ClientID":     "suspended client",
		"CompanyDissolve.Company": "company without anything", "DepartmentClose.Department": "department without anything",
		"DepartmentChange.Department": "department without anything", "DepartmentChange.Parent": "department", "DepartmentOpen.Parent": "department",
		"AccountCreate.Staff": "staff without account", "AccountReinstate.Account": "suspended account", "APITokenIssue.Account": "app account",
		"ContractReturn.ContractID": "contract under review", "ContractWithdraw.ContractID": "contract under review", "ContractComplete.ContractID": "contract in force",
		"ContractTerminate.ContractID": "contract in force",
		"PolicyDiscard.PolicyVersion":  "draft of somebody else", "PolicyPublish.PolicyVersion": "draft of somebody else", "DraftWarnings.ID": "draft of somebody else", "RoleRetire.Role": "role without holder", "ObligationAdd.ContractID": "contract in force",

		"OriginalID": "original", "OriginalIDs": "original", "CustodianID": "keeper", "FileID": "file", "IncidentID": "incident", "BorrowingID": "loan", "AccessRequestID": "request",
		"BorrowingApprove.BorrowingID": "loan endorsed", "BorrowingHandOut.BorrowingID": "loan approved", "BorrowingRenew.BorrowingID": "loan out", "BorrowingReturn.BorrowingID": "loan out",
		"BorrowingReturn.OriginalID": "original out", "BorrowingReportLost.BorrowingID": "loan out", "BorrowingRevoke.BorrowingID": "loan out", "BorrowingWithdraw.BorrowingID": "loan of mine",
		"AccessRequestApprove.AccessRequestID": "request endorsed", "AccessRequestWithdraw.AccessRequestID": "request of mine",
		"RoleEndorse.Binding": "waiting binding", "PolicyTest": "policy test", "StaffDepartment": "department", "RowCompany": "company", "RowDepartment": "department",
	}
}

// words are the values of text fields that may not be just anything, as above.
func words() map[string]string {
	return map[string]string{
		"Duty": "OWNER", "Kinds": "KEY", "SpecialType": "", "Acquisition": "OUTREACH", "Grade": "A", "Stage": "developing", "UnifiedCreditCode": "", "Postcode": "200000",
		"Phone": "021-62345678", "Fax": "021-62345678", "Email": "somebody@example.com", "Side": "OURS", "Capacity": "LEGAL_REPRESENTATIVE", "Currency": "CNY",
		"ClientRecordChange.Field": "name", "ContractDraft.Kind": "SALES", "ContractRegister.Kind": "SALES", "ObligationAdd.Kind": "DELIVERY", "Outcome": "MET",
		"DepartmentOpen.Kind": "SECTION", "DepartmentChange.Kind": "SECTION", "Login": "somebody.new", "Password": "correct horse battery 9", "New": "correct horse battery 9",
		"Scopes": "read", "RoleKey": "list_reader", "ValidFrom": "", "ContractDraft.Name": "", "Current": "", "Number": "N-77",
		"Group":              "client#contacts",
		"PolicyDraft.Object": "client", "PolicyDraft.Action": "reveal", "PolicyDraft.Scope": "DEPT", "PolicyDraft.Effect": "allow", "Condition": "",
		"OriginalFile.Kind": "CREDIT", "OriginalFile.File": "", "OriginalAddVersion.Paper": "", "OriginalReportIncident.Kind": "DAMAGED", "BorrowingReturn.Condition": "INTACT",
		"BorrowingRequest.DueAt": "", "BorrowingRenew.DueAt": "", "WantedFrom": "",
		"PolicyDraft.Key": "mine", "ActionA": "contract.submit", "ActionB": "contract.return", "RemoveConflicts": "disposal",
		"Expectation": "NEVER", "PolicyTestAdd.Object": "client#credit", "PolicyTestAdd.Action": "reveal", "RowCondition": "", "RowOwn": "OTHERS",
		"Period": "2031-H1", "Decision": "KEEP", "RoleCreate.Key": "shift_lead", "ParentKey": "", "Template": "",
	}
}

// place is one id in an input, with the way to put another there.
type place struct {
	path string
	kind string
	set  func(uuid.UUID)
}

// filler fills an input so that the act would succeed, and lists the ids in it.
type filler struct {
	act    string
	mine   *side
	places []place
	errors []string
}

func pick[T any](m map[string]T, act, field string) (T, bool) {
	if v, ok := m[act+"."+field]; ok {
		return v, true
	}
	v, ok := m[field]
	return v, ok
}

func (f *filler) fill(path, field string, v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *uuid.UUID:
		kind, ok := pick(kinds(), f.act, field)
		id, there := f.mine.ids[kind]
		if !ok || !there {
			f.errors = append(f.errors, fmt.Sprintf("%s: no rule says what the id %s is of", f.act, path))
			return
		}
		*x = id
		f.places = append(f.places, place{path, kind, func(u uuid.UUID) { *x = u }})
		return
	case *time.Time:
		*x = f.mine.Clock.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, map[string]int{"ExpiresAt": 30, "DueAt": 30, "ValidUntil": 30, "EndsOn": 400, "DueOn": 10, "WantedUntil": 30}[field])
		return
	case *input.Money:
		*x = input.Money{Minor: 100, Currency: "CNY"}
		return
	case *string:
		if word, ok := pick(words(), f.act, field); ok {
			*x = word
		} else {
			*x = "new " + strings.ToLower(field)
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if word, ok := pick(words(), f.act, field); ok && word == "" {
			return // left out
		}
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(path, field, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(path+"[0]", field, v.Index(0))
	case reflect.Int64, reflect.Int, reflect.Int32:
		v.SetInt(1)
		if n, ok := map[string]int64{"PolicyRollback.ToNumber": 3}[f.act+"."+field]; ok {
			v.SetInt(n)
		}
	case reflect.Bool:
	case reflect.Struct:
		if value := v.FieldByName("Value"); value.IsValid() && strings.HasPrefix(v.Type().Name(), "Optional[") {
			f.fill(path, field, value)
			v.FieldByName("Given").SetBool(!value.IsNil())
			return
		}
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			f.fill(strings.TrimPrefix(path+"."+name, "."), name, v.Field(i))
		}
	default:
		f.errors = append(f.errors, fmt.Sprintf("%s: no rule fills %s of type %s", f.act, path, v.Type()))
	}
}

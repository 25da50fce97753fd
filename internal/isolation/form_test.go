package isolation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/internal/id"
)

// idFields says what an id in an input of the SDL is of: by "mutation.field", else by the field alone.
func idFields() map[string]string {
	return map[string]string{
		"clientId": "client", "contactId": "contact", "contractId": "contract", "obligationId": "obligation", "departmentId": "department", "companyId": "company",
		"ownerId": "staff", "staffId": "staff", "headId": "staff", "superiorId": "staff", "granteeId": "grantee", "positionId": "position", "accountId": "account",
		"sessionId": "session", "apiTokenId": "token", "roleBindingId": "binding", "accessGrantId": "grant", "accessReviewId": "review", "accessReviewItemId": "review item", "reviewerId": "keeper",

		"companyOpen.parentId": "company", "companyChange.parentId": "company", "companyChange.companyId": "company without anything", "companyDissolve.companyId": "company without anything",
		"departmentOpen.parentId": "department", "departmentChange.parentId": "department",
		"departmentChange.departmentId": "department without anything", "departmentClose.departmentId": "department without anything",
		"staffChangeSuperior.staffId": "grantee", "staffTransfer.staffId": "grantee", "clientLift.clientId": "suspended client",
		"accountCreate.staffId": "staff without account", "accountReinstate.accountId": "suspended account", "apiTokenIssue.accountId": "app account",
		"contractReturn.contractId": "contract under review", "contractWithdraw.contractId": "contract under review", "contractComplete.contractId": "contract in force",
		"contractTerminate.contractId": "contract in force", "obligationAdd.contractId": "contract in force",
		"roleEndorse.roleBindingId": "waiting binding", "policyTestId": "policy test", "staffDepartmentId": "department", "rowCompanyId": "company", "rowDepartmentId": "department",
		"policyVersionId": "draft of somebody else", "roleId": "role without holder",

		"originalId": "original", "originalIds": "original", "custodianId": "keeper", "fileId": "file", "incidentId": "incident", "borrowingId": "loan", "accessRequestId": "request",
		"borrowingApprove.borrowingId": "loan endorsed", "borrowingHandOut.borrowingId": "loan approved", "borrowingRenew.borrowingId": "loan out", "borrowingReturn.borrowingId": "loan out",
		"borrowingReturn.originalId": "original out", "borrowingReportLost.borrowingId": "loan out", "borrowingRevoke.borrowingId": "loan out", "borrowingWithdraw.borrowingId": "loan of mine",
		"accessRequestApprove.accessRequestId": "request endorsed", "accessRequestWithdraw.accessRequestId": "request of mine",
	}
}

// values are what the other fields are filled with, as above; nil leaves one out. A text without a rule is "new <field>".
func values() map[string]any {
	return map[string]any{
		"duty": "OWNER", "specialType": nil, "stage": "DEVELOPING", "unifiedCreditCode": nil, "postcode": "200000", "phone": "021-62345678", "fax": "021-62345678",
		"email": "somebody@example.com", "side": "OURS", "currency": "CNY", "clientRecordChange.field": "name", "login": "somebody.new",
		"password": "correct horse battery 9", "newPassword": "correct horse battery 9", "currentPassword": nil, "scopes": []any{"read"}, "roleKey": "list_reader",
		"validFrom": nil, "contractDraft.parties.name": nil, "number": "N-77", "classes": []any{1},
		"policyDraft.add.classes": []any{1}, "policyDraft.classes": []any{map[string]any{"object": "client#contacts", "class": 1}},
		"policyDraft.object": "client", "policyDraft.action": "reveal", "policyDraft.dataScope": "DEPT", "condition": nil, "toNumber": "3",
		"originalFile.file": nil, "originalAddVersion.paper": nil, "mediaType": "application/pdf", "sha256": strings.Repeat("ab", 32),
		"policyDraft.key": "mine", "actionA": "contract.submit", "actionB": "contract.return", "removeConflicts": []any{"disposal"},
		"expectation": "NEVER", "policyTestAdd.object": "client#credit", "policyTestAdd.action": "reveal", "rowCondition": nil, "rowOwn": "OTHERS",
		"borrowingReturn.items.condition": "INTACT", "borrowingRequest.dueAt": nil, "borrowingRenew.dueAt": nil,
		"period": "2031-H1", "roleCreate.key": "shift_lead", "parentKey": nil, "template": nil,
	}
}

// days are how far ahead a time or date lies; those without a rule are of today.
func days() map[string]int {
	return map[string]int{"expiresAt": 30, "dueAt": 30, "validUntil": 30, "wantedUntil": 30, "endsOn": 400, "dueOn": 10}
}

// blank is one id in a form, with the way to put another there.
type blank struct {
	path, kind, prefix string
	set                func(encoded string)
}

// leaf is one value of a scalar or enum in a form, with the way to put another there.
type leaf struct {
	path, typ string
	was       any
	set       func(any)
}

// form is a mutation with valid variables of one side.
type form struct {
	t         *testing.T
	name      string
	mine      *side
	document  string
	variables map[string]any
	blanks    []blank
	leaves    []leaf
	errors    []string
}

// newForm fills the input of a mutation from the SDL alone.
func newForm(t *testing.T, q *asker, f *ast.FieldDefinition, mine *side) *form {
	t.Helper()
	x := &form{t: t, name: f.Name, mine: mine, variables: map[string]any{}}
	declared, passed := "", ""
	for _, arg := range f.Arguments {
		declared += fmt.Sprintf("$%s: %s ", arg.Name, arg.Type)
		passed += fmt.Sprintf("%s: $%s ", arg.Name, arg.Name)
		if arg.Name == "idempotencyKey" {
			continue // one for each call
		}
		x.put(x.variables, arg.Name, arg.Name, arg.Type)
	}
	x.document = "mutation (" + declared + ") { " + f.Name + "(" + passed + ") " + q.selection(f.Type.Name(), 2) + " }"
	return x
}

func (x *form) put(into map[string]any, name, path string, typ *ast.Type) {
	v, ok := x.value(name, path, typ, func(encoded any) { into[name] = encoded })
	if ok {
		into[name] = v
	}
}

// value makes a value; set is how the one at this place is exchanged.
func (x *form) value(name, path string, typ *ast.Type, set func(any)) (any, bool) {
	v, ok := x.choose(name, path, typ, set)
	if def := graph.Schema().Types[typ.Name()]; ok && typ.Elem == nil && def.Kind != ast.InputObject {
		x.leaves = append(x.leaves, leaf{path, def.Name, v, set})
	}
	return v, ok
}

func (x *form) choose(name, path string, typ *ast.Type, set func(any)) (any, bool) {
	if v, ok := values()[x.name+"."+trimInput(path)]; ok {
		return v, v != nil
	}
	if v, ok := pick(values(), x.name, name); ok {
		return v, v != nil
	}
	if typ.Elem != nil {
		list := make([]any, 1)
		v, ok := x.value(name, path+".0", typ.Elem, func(encoded any) { list[0] = encoded })
		list[0] = v
		return list, ok
	}
	def := graph.Schema().Types[typ.Name()]
	switch def.Kind {
	case ast.Enum:
		return def.EnumValues[0].Name, true
	case ast.InputObject:
		m := map[string]any{}
		for _, f := range def.Fields {
			x.put(m, f.Name, path+"."+f.Name, f.Type)
		}
		return m, true
	}
	day := x.mine.Clock.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, days()[name])
	switch def.Name {
	case "ID":
		kind, ok := pick(idFields(), x.name, name)
		own, there := x.mine.ids[kind]
		if !ok || !there {
			x.errors = append(x.errors, fmt.Sprintf("no rule says what the id %s is of", path))
			return nil, false
		}
		prefix := prefixOf(x.t, kind)
		x.blanks = append(x.blanks, blank{path, kind, prefix, func(encoded string) { set(encoded) }})
		return id.Encode(prefix, own), true
	case "String":
		return "new " + name, true
	case "BigInt":
		return "1", true
	case "MinorUnits":
		return "100", true
	case "Int":
		return 1, true
	case "Boolean":
		return false, true
	case "Date":
		return day.Format(time.DateOnly), true
	case "DateTime":
		return day.Format(time.RFC3339), true
	}
	x.errors = append(x.errors, fmt.Sprintf("no rule fills %s of type %s", path, def.Name))
	return nil, false
}

// trimInput is a path without its first step and without places in lists.
func trimInput(path string) string {
	out := ""
	for i, step := range strings.Split(path, ".") {
		if i > 0 && step != "0" {
			out += "." + step
		}
	}
	if out == "" {
		return ""
	}
	return out[1:]
}

// send carries out the mutation under a key of its own.
func (x *form) send(e *endpoint, token string) reply {
	x.t.Helper()
	x.variables["idempotencyKey"] = x.mine.Key()
	return e.ask(token, x.document, x.variables)
}

package matrix

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/clientele/clientele/policy"
)

// in are names in snapshots that have no field of the same name on the subject, with the type and field that they tell.
func in() map[string][2]string {
	return map[string][2]string{
		"Client.distributedTo": {"Client", "distributions"}, "RoleBinding.roleKey": {"RoleBinding", "role"}, "Contract.reason": {"Contract", "closingNote"},
		"Contract.changeNote": {"ContractRevision", "changeNote"}, "Contract.terms": {"ContractRevision", "terms"}, "Contract.contentHash": {"ContractRevision", "contentHash"},
		"Contract.revision": {"Contract", "currentRevision"}, "Client.reason": {"Client", "suspended"}, "Staff.employment": {"Staff", "employments"},
		"Borrowing.originals": {"Borrowing", "items"}, "Borrowing.contentHash": {"Borrowing", "items"}, // a digest of purpose and items
		// an incident is told with its original
		"CustodyIncident.incident": {"CustodyIncident", "note"}, "CustodyIncident.client": {"Original", "client"}, "CustodyIncident.title": {"Original", "title"},
		"CustodyIncident.fieldClass": {"Original", "fieldClass"}, "CustodyIncident.custodian": {"Original", "custodian"}, "CustodyIncident.location": {"Original", "location"},
		"CustodyIncident.provenance": {"Original", "provenance"}, "CustodyIncident.versionSeq": {"Original", "versionSeq"},
	}
}

// snapshots holds what the acts of the run have told the event log to the SDL: receivers get of a snapshot the groups that they
// have a right to, so a field in another group than its own is given to the wrong people.
func (x *town) snapshots(t *testing.T) {
	t.Helper()
	j := x.judge(readSheet(t), x.observer)
	events, fields, types := 0, 0, map[string]bool{}
	for _, line := range strings.Split(x.Text(`SELECT subject_type, type, replace(snapshot::text, ';', ',') FROM events WHERE tenant_id = $1`), ";") {
		parts := strings.SplitN(line, "|", 3)
		if len(parts) != 3 {
			t.Fatalf("%q", line)
		}
		typ, event := parts[0], parts[1]
		var snapshot map[policy.Object]map[string]any
		if err := json.Unmarshal([]byte(parts[2]), &snapshot); err != nil {
			t.Fatalf("%s: %v", event, err)
		}
		events++
		types[event] = true
		for group, values := range snapshot {
			if _, known := policy.ClassOf(group); !known {
				t.Errorf("%s: %s is no field group", event, group)
			}
			for name := range values {
				if problem := j.told(typ, name, group); problem != "" {
					t.Errorf("%s: %s", event, problem)
				}
				fields++
			}
		}
	}
	for _, f := range j.faults {
		t.Error(f)
	}
	t.Logf("%d events of %d types, %d fields in the groups of the SDL", events, len(types), fields)
	if events < 50 || len(types) < 10 {
		t.Error("that shows little")
	}
	for _, wrong := range []struct {
		typ, field string
		group      policy.Object
	}{{"Client", "creditNote", policy.ClientDealings}, {"Contact", "phone", policy.ClientList}, {"Contract", "amount", policy.ContractSummary}, {"Client", "unheard", policy.ClientList}} {
		if j.told(wrong.typ, wrong.field, wrong.group) == "" {
			t.Errorf("%s.%s among %s is not noticed", wrong.typ, wrong.field, wrong.group)
		}
	}
}

// told says what is wrong with a field that stands in a group of a snapshot.
func (j *judge) told(typ, name string, group policy.Object) string {
	base := strings.TrimSuffix(name, "Id")
	if other, ok := in()[typ+"."+base]; ok {
		typ, base = other[0], other[1]
	}
	def := j.schema.Types[typ]
	if def == nil {
		return "no type " + typ
	}
	if def.Fields.ForName(base) == nil {
		return typ + "." + name + " is no field of the SDL: event_test.go has to say what it tells"
	}
	if typ == "ClientChange" && (base == "oldValue" || base == "newValue") {
		return "" // in the group of the field that changed
	}
	// A client's id stands in the list's group: whom the row belongs to is no secret to those who see the client.
	if want := j.groupOf(typ, base); want != openToAll && want != group && !(base == "client" && group == policy.ClientList) {
		return typ + "." + name + " stands in " + string(group) + ", the SDL says " + string(want)
	}
	return ""
}

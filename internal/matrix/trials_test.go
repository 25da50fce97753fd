package matrix

import (
	"regexp"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/policy"
)

// trial says how a mutation is tried without changing what later answers depend on: its input passes every check but one that
// comes after the decision – mostly a version that never was. The input's ID stands for the row; D for a department's id,
// C for a company's, P for a person's; BESIDE for a row that goes with it, and CURRENT for the row's version.
type trial struct {
	on    string // what the row is, as targets_test.go knows it
	input string
	// passed is how one is answered who may: "CODE REASON", or "done".
	passed string
}

// contentChanged: what the placed steps were asked to decide about is no content that there is.
const contentChanged = "INVALID_STATE CONTENT_CHANGED"

const neverWas = `expectedVersion: "999999"`

// trials of every mutation.
func trials() map[string]trial {
	stale := func(on, key, rest string) trial {
		return trial{on, key + ": ID, " + neverWas + ", " + rest, "STALE_VERSION"}
	}
	because := `reason: "a trial"`
	return map[string]trial{
		"clientOpen":           {"place", `name: "试行", kinds: [KEY], grade: VIP, departmentId: ID, ownerId: P, source: "x"`, "done"},
		"clientChangeProfile":  stale("client", "clientId", `profile: {address: "1"}, source: "x"`),
		"clientChangeList":     stale("client", "clientId", `region: "x", source: "x"`),
		"clientChangeDealings": stale("client", "clientId", `attitude: "x", source: "x"`),
		"clientChangeCredit":   stale("client", "clientId", `creditNote: "x", source: "x"`),
		"clientSuspend":        stale("client", "clientId", because), "clientLift": stale("client", "clientId", because),
		"clientMove":         stale("client", "clientId", `departmentId: D, `+because),
		"clientAssignTeam":   stale("client", "clientId", `members: [{staffId: P, duty: OWNER}]`),
		"clientDistribute":   stale("client", "clientId", `departmentId: D`),
		"clientRecordChange": {"client", `clientId: ID, field: "address", newValue: "x", source: "x"`, "done"},
		"contactAdd":         {"client", `clientId: ID, name: "x"`, "done"},
		"contactChange":      stale("contact", "contactId", `title: "x"`), "contactLeave": stale("contact", "contactId", ""),

		"contractDraft":    {"client of contract", `clientId: ID, companyId: C, kind: SALES, title: "x", terms: "x"`, "INVALID_STATE"}, // dealings are suspended
		"contractRegister": {"client of contract", `clientId: ID, companyId: C, kind: SALES, title: "x", terms: "x", signedOn: "2999-01-01", startsOn: "2999-01-01", paperReference: "x"`, "INVALID_INPUT"},
		"contractRevise":   stale("contract", "contractId", `title: "x", changeNote: "x"`), "contractSubmit": stale("contract", "contractId", ""),
		"contractReturn": stale("contract", "contractId", because), "contractWithdraw": stale("contract", "contractId", because),
		"contractComplete": stale("contract", "contractId", `note: "x"`), "contractTerminate": stale("contract", "contractId", because),
		"obligationAdd":    {"contract", `contractId: ID, side: OURS, kind: OTHER, title: "x", dueOn: "2026-01-01"`, "done"},
		"obligationSettle": stale("obligation", "obligationId", `outcome: MET`),

		"accountCreate":  {"staff", `staffId: ID, login: "somebody.new", password: "correct horse battery 9"`, "CONFLICT"},
		"accountSuspend": stale("account", "accountId", because), "accountReinstate": stale("account", "accountId", because),
		"accountChangePassword": {"account", `accountId: ID, newPassword: "correct horse battery 9"`, "done"},
		"sessionRevoke":         {"session", `sessionId: ID`, "INVALID_STATE ALREADY_ENDED"},
		"apiTokenIssue":         {"app", `accountId: ID, name: "x", expiresAt: "SOON"`, "done"},
		"apiTokenRevoke":        {"token", `apiTokenId: ID`, "INVALID_STATE ALREADY_ENDED"},
		"roleBind":              {"account", `accountId: ID, roleKey: "no_such_role"`, "INVALID_INPUT input.roleKey"},
		"roleUnbind":            stale("binding", "roleBindingId", because), "roleEndorse": stale("binding", "roleBindingId", ""),
		"policyTestAdd": {"tenant", `name: "x", expectation: NEVER, roleKey: "general_manager", object: "client", action: "read"`, "INVALID_STATE POLICY_TEST_FAILED"}, "policyTestRetire": stale("assertion", "policyTestId", because),
		"accessGrantGive":   {"client of grant", `granteeId: P, clientId: ID, classes: [7], purpose: "x", validUntil: "SOON"`, "FORBIDDEN CLASS_BEYOND_OWN"},
		"accessGrantRevoke": stale("grant", "accessGrantId", because),

		"companyOpen": {"tenant", `name: "新公司"`, "done"}, "companyChange": stale("company", "companyId", `name: "x"`), "companyDissolve": stale("company", "companyId", because),
		"departmentOpen": {"company", `companyId: ID, name: "新部门"`, "done"}, "departmentChange": stale("department", "departmentId", `name: "x"`),
		"departmentClose": stale("department", "departmentId", because), "positionCreate": {"department", `departmentId: ID, title: "x"`, "done"},
		"staffHire":     {"department", `number: "1", name: "x", departmentId: ID`, "CONFLICT"},
		"staffTransfer": stale("staff", "staffId", `departmentId: D`), "staffChangeSuperior": stale("staff", "staffId", ""),

		"accessReviewOpen": {"tenant", `period: "` + reviewPeriod + `", dueAt: "SOON"`, "CONFLICT"}, "accessReviewClose": stale("review", "accessReviewId", ""),
		"accessReviewReassign": stale("review item", "accessReviewItemId", `reviewerId: P, `+because),
		"policyDraft":          {"tenant", `baseNumber: "999", reason: "x", remove: [1]`, "INVALID_INPUT input.baseNumber"},
		"policyDiscard":        stale("version", "policyVersionId", because), "policyPublish": stale("version", "policyVersionId", ""),
		"policyRollback":     {"tenant", `toNumber: "999", reason: "x"`, "INVALID_INPUT input.toNumber"},
		"originalFile":       {"client", `clientId: ID, kind: OTHER, title: "x", fieldClass: 3, provenance: "x", paper: "x", custodianId: KEEPER`, "done"},
		"originalUpload":     {"original in place", `originalId: ID, file: {name: "x", mediaType: "x/y", size: "1", sha256: "x"}`, "INVALID_INPUT UNSUPPORTED_MEDIA_TYPE input.file.mediaType"},
		"originalAddVersion": stale("original", "originalId", `paper: "x"`), "originalChangeCustodian": stale("original", "originalId", `custodianId: P, `+because),
		"originalReportIncident": stale("original", "originalId", `kind: CONTAMINATED, note: "x"`), "originalCloseIncident": stale("incident", "incidentId", `resolution: "x"`),
		"originalOpen": {"content", `originalId: ID, versionSeq: 99`, "NOT_FOUND input.versionSeq"},

		"borrowingRequest":  {"client and original", `clientId: ID, originalIds: [BESIDE], purpose: "x"`, "done"},
		"borrowingWithdraw": stale("borrowing", "borrowingId", because), "borrowingEndorse": stale("borrowing", "borrowingId", ""), "borrowingApprove": stale("borrowing", "borrowingId", ""),
		"borrowingRefuse":  {"borrowing", `borrowingId: ID, expectedVersion: CURRENT, ` + because, contentChanged},
		"borrowingHandOut": stale("borrowing", "borrowingId", ""), "borrowingRenew": stale("borrowing", "borrowingId", ""),
		"borrowingReturn":     stale("borrowing", "borrowingId", `items: [{originalId: BESIDE, condition: INTACT}]`),
		"borrowingReportLost": stale("borrowing", "borrowingId", because), "borrowingRevoke": stale("borrowing", "borrowingId", because),

		"accessRequestSubmit":   {"client for oneself", `clientId: ID, classes: [1], purpose: "x", wantedUntil: "SOON"`, "done"},
		"accessRequestWithdraw": stale("access request", "accessRequestId", because), "accessRequestEndorse": stale("access request", "accessRequestId", ""),
		"accessRequestApprove": stale("access request", "accessRequestId", ""),
		"accessRequestRefuse":  {"access request", `accessRequestId: ID, expectedVersion: CURRENT, ` + because, contentChanged},

		"roleCreate": {"tenant", `key: "staff", nameZh: "x", nameEn: "x"`, "CONFLICT"}, "roleRetire": stale("role", "roleId", because),
	}
}

// withoutMutation are the acts that no mutation carries out: at the command line, not yet, or read by a query.
func withoutMutation() []policy.Action {
	return []policy.Action{policy.TenantSuspend, policy.PositionChange, policy.AuditRead, policy.PolicyRead}
}

var (
	permission = regexp.MustCompile(`(?s)ermission:? (.*?)(?:Event|$)`)
	actName    = regexp.MustCompile(`[a-z]+[A-Za-z]*\.[A-Za-z]+|[a-z]+#[a-z]+ [a-z]+`)
)

// actsOf are the questions that a mutation's description names, and whether one of them decides: the one that the row's step waits for.
func actsOf(def *ast.FieldDefinition) (out []question, either bool) {
	m := permission.FindStringSubmatch(def.Description)
	if m == nil {
		return nil, false
	}
	for _, name := range actName.FindAllString(m[1], -1) {
		if group, verb, isGroup := strings.Cut(name, " "); isGroup && policy.Known(policy.Object(group), policy.Action(verb)) {
			out = append(out, question{policy.Object(group), policy.Action(verb)})
		}
		for _, e := range policy.Catalogue() {
			for _, a := range e.Acts {
				if string(a.Action) == name {
					out = append(out, question{e.Object, a.Action})
				}
			}
		}
	}
	return out, strings.Contains(m[1], " or ")
}

package policy

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/google/uuid"
)

// OrgCompany is a company of the tenant. Parent is zero at a root.
type OrgCompany struct{ ID, Parent uuid.UUID }

// OrgDepartment is a department of a company. Parent is zero at a root.
type OrgDepartment struct {
	ID, Parent, Company uuid.UUID
	Kind                string
}

// OrgEmployment says that a person works in a department in [From, Until). Superior is zero when there is none.
type OrgEmployment struct {
	Staff, Company, Department, Superior uuid.UUID
	From, Until                          time.Time
}

// Org is the organisation of one tenant at one version, immutable and safe for concurrent use.
type Org struct {
	tenant        uuid.UUID
	version       int64
	companyOf     map[uuid.UUID]uuid.UUID   // department -> company
	subDepts      map[uuid.UUID][]uuid.UUID // department -> children
	subCompanies  map[uuid.UUID][]uuid.UUID
	deptParent    map[uuid.UUID]uuid.UUID
	companyParent map[uuid.UUID]uuid.UUID
	companies     map[uuid.UUID]bool
	employments   map[uuid.UUID][]OrgEmployment // by staff
	reports       map[uuid.UUID][]OrgEmployment // by superior
	boundaries    []time.Time                   // every instant at which an employment begins or ends, sorted
}

// NewOrg builds the organisation of a tenant. It refuses a zero tenant, duplicates, dangling parents and cycles: a
// broken tree must not decide who sees what. Superior cycles are allowed; everybody on one is everybody's subordinate.
func NewOrg(tenant uuid.UUID, version int64, companies []OrgCompany, departments []OrgDepartment, employments []OrgEmployment) (*Org, error) {
	if tenant == uuid.Nil {
		return nil, errors.New("policy: organisation without tenant")
	}
	o := &Org{
		tenant: tenant, version: version,
		companyOf: make(map[uuid.UUID]uuid.UUID, len(departments)), subDepts: map[uuid.UUID][]uuid.UUID{},
		companies: make(map[uuid.UUID]bool, len(companies)), subCompanies: map[uuid.UUID][]uuid.UUID{},
		deptParent: make(map[uuid.UUID]uuid.UUID, len(departments)), companyParent: make(map[uuid.UUID]uuid.UUID, len(companies)),
		employments: make(map[uuid.UUID][]OrgEmployment, len(employments)), reports: map[uuid.UUID][]OrgEmployment{},
	}
	for _, c := range companies {
		if c.ID == uuid.Nil || o.companies[c.ID] {
			return nil, fmt.Errorf("policy: company %s is empty or listed twice", c.ID)
		}
		o.companies[c.ID] = true
		o.companyParent[c.ID] = c.Parent
		if c.Parent != uuid.Nil {
			o.subCompanies[c.Parent] = append(o.subCompanies[c.Parent], c.ID)
		}
	}
	for _, d := range departments {
		if _, dup := o.companyOf[d.ID]; dup || d.ID == uuid.Nil {
			return nil, fmt.Errorf("policy: department %s is empty or listed twice", d.ID)
		}
		if !o.companies[d.Company] {
			return nil, fmt.Errorf("policy: department %s belongs to unknown company %s", d.ID, d.Company)
		}
		o.companyOf[d.ID] = d.Company
		o.deptParent[d.ID] = d.Parent
		if d.Parent != uuid.Nil {
			o.subDepts[d.Parent] = append(o.subDepts[d.Parent], d.ID)
		}
	}
	if err := checkForest("company", o.companyParent); err != nil {
		return nil, err
	}
	if err := checkForest("department", o.deptParent); err != nil {
		return nil, err
	}
	for _, e := range employments {
		if e.Staff == uuid.Nil {
			return nil, errors.New("policy: employment without staff")
		}
		if !o.companies[e.Company] || o.companyOf[e.Department] != e.Company {
			return nil, fmt.Errorf("policy: employment of %s in department %s, company %s: no such place", e.Staff, e.Department, e.Company)
		}
		o.employments[e.Staff] = append(o.employments[e.Staff], e)
		if e.Superior != uuid.Nil {
			o.reports[e.Superior] = append(o.reports[e.Superior], e)
		}
		for _, t := range [2]time.Time{e.From, e.Until} {
			if !t.IsZero() {
				o.boundaries = append(o.boundaries, t)
			}
		}
	}
	slices.SortFunc(o.boundaries, time.Time.Compare)
	return o, nil
}

// checkForest refuses dangling parents and cycles.
func checkForest(what string, parent map[uuid.UUID]uuid.UUID) error {
	done := make(map[uuid.UUID]bool, len(parent))
	for id := range parent {
		path := map[uuid.UUID]bool{}
		for at := id; at != uuid.Nil && !done[at]; at = parent[at] {
			if _, known := parent[at]; !known {
				return fmt.Errorf("policy: %s %s is a parent but unknown", what, at)
			}
			if path[at] {
				return fmt.Errorf("policy: %s %s is its own ancestor", what, at)
			}
			path[at] = true
		}
		for at := range path {
			done[at] = true
		}
	}
	return nil
}

// Tenant the organisation belongs to.
func (o *Org) Tenant() uuid.UUID { return o.tenant }

// Version of the organisation the snapshot was read at.
func (o *Org) Version() int64 { return o.version }

// CompanyOf gives the company of a department; zero when the department is unknown.
func (o *Org) CompanyOf(department uuid.UUID) uuid.UUID { return o.companyOf[department] }

// Employments of a person that hold at the instant.
func (o *Org) Employments(staff uuid.UUID, now time.Time) []OrgEmployment {
	var out []OrgEmployment
	for _, e := range o.employments[staff] {
		if inForce(e.From, e.Until, now) {
			out = append(out, e)
		}
	}
	return out
}

// SubordinatesOf gives the person and everybody below, transitively, by the superiors of employments that hold at the
// instant; sorted.
func (o *Org) SubordinatesOf(staff uuid.UUID, now time.Time) []uuid.UUID {
	if staff == uuid.Nil {
		return nil
	}
	seen := map[uuid.UUID]bool{staff: true}
	queue := []uuid.UUID{staff}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, e := range o.reports[at] {
			if !seen[e.Staff] && inForce(e.From, e.Until, now) {
				seen[e.Staff] = true
				queue = append(queue, e.Staff)
			}
		}
	}
	return sortedKeys(seen)
}

// DepartmentTree gives the departments and everything below them, sorted; unknown ones are left out.
func (o *Org) DepartmentTree(roots ...uuid.UUID) []uuid.UUID {
	known := func(id uuid.UUID) bool { _, ok := o.companyOf[id]; return ok }
	return walkTree(roots, known, o.subDepts)
}

// CompanyTreeOf gives the companies and everything below them, sorted; unknown ones are left out.
func (o *Org) CompanyTreeOf(roots ...uuid.UUID) []uuid.UUID {
	return walkTree(roots, func(id uuid.UUID) bool { return o.companies[id] }, o.subCompanies)
}

// nextBoundary is the first instant after now at which an employment begins or ends; zero when there is none.
func (o *Org) nextBoundary(now time.Time) time.Time {
	i := sort.Search(len(o.boundaries), func(i int) bool { return o.boundaries[i].After(now) })
	if i == len(o.boundaries) {
		return time.Time{}
	}
	return o.boundaries[i]
}

func walkTree(roots []uuid.UUID, known func(uuid.UUID) bool, children map[uuid.UUID][]uuid.UUID) []uuid.UUID {
	seen := map[uuid.UUID]bool{}
	var walk func(uuid.UUID)
	walk = func(id uuid.UUID) {
		if seen[id] {
			return
		}
		seen[id] = true
		for _, c := range children[id] {
			walk(c)
		}
	}
	for _, r := range roots {
		if known(r) {
			walk(r)
		}
	}
	return sortedKeys(seen)
}

func sortedKeys(set map[uuid.UUID]bool) []uuid.UUID {
	out := make([]uuid.UUID, 0, len(set))
	for id := range set {
		out = append(out, id)
	}
	return sortedIDs(out)
}

// sortedIDs sorts, drops duplicates and nil UUIDs, in place.
func sortedIDs(ids []uuid.UUID) []uuid.UUID {
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	if len(ids) > 0 && ids[0] == uuid.Nil {
		ids = ids[1:]
	}
	return ids
}

// inForce tells whether now lies in [from, until), where zero is open.
func inForce(from, until, now time.Time) bool {
	return (from.IsZero() || !now.Before(from)) && (until.IsZero() || now.Before(until))
}

// Ahead gives the instants after now at which an employment of the person, or of anybody who may be below, begins or ends.
func (o *Org) Ahead(staff uuid.UUID, now time.Time) (out []time.Time) {
	seen := map[uuid.UUID]bool{staff: true}
	note := func(list []OrgEmployment) {
		for _, e := range list {
			for _, at := range [2]time.Time{e.From, e.Until} {
				if at.After(now) {
					out = append(out, at)
				}
			}
		}
	}
	note(o.employments[staff])
	for queue := []uuid.UUID{staff}; len(queue) > 0; queue = queue[1:] {
		note(o.reports[queue[0]])
		for _, e := range o.reports[queue[0]] {
			if !seen[e.Staff] {
				seen[e.Staff] = true
				queue = append(queue, e.Staff)
			}
		}
	}
	return out
}

package policy

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
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

// Org is the organisation of one tenant at one version, immutable and safe for concurrent use. It is kept for every tenant that is
// served, so it is lists that are searched: places and people by id, with each other by number.
type Org struct {
	tenant      uuid.UUID
	version     int64
	companies   []place
	departments []department
	jobs        []job       // by staff
	reports     []int32     // numbers of the jobs that have a superior, by superior
	instants    []time.Time // at which an employment begins or ends, in order, each once
}

// place is a company, or what a department shares with one. parent is the number among its like; none has -1.
type place struct {
	id     uuid.UUID
	parent int32
}

type department struct {
	place
	company int32 // number
}

// job is an OrgEmployment. from and until are numbers of instants; -1 is open.
type job struct {
	staff, superior         uuid.UUID
	department, from, until int32
}

const none = -1

// NewOrg builds the organisation of a tenant. It refuses a zero tenant, duplicates, dangling parents and cycles: a
// broken tree must not decide who sees what. Superior cycles are allowed; everybody on one is everybody's subordinate.
func NewOrg(tenant uuid.UUID, version int64, companies []OrgCompany, departments []OrgDepartment, employments []OrgEmployment) (*Org, error) {
	if tenant == uuid.Nil {
		return nil, errors.New("policy: organisation without tenant")
	}
	o := &Org{
		tenant: tenant, version: version, companies: make([]place, len(companies)), departments: make([]department, len(departments)),
		jobs: make([]job, len(employments)),
	}
	companies, departments = slices.Clone(companies), slices.Clone(departments)
	slices.SortFunc(companies, func(a, b OrgCompany) int { return compareIDs(a.ID, b.ID) })
	slices.SortFunc(departments, func(a, b OrgDepartment) int { return compareIDs(a.ID, b.ID) })
	for i, c := range companies {
		if c.ID == uuid.Nil || i > 0 && companies[i-1].ID == c.ID {
			return nil, fmt.Errorf("policy: company %s is empty or listed twice", c.ID)
		}
		o.companies[i] = place{c.ID, none}
	}
	for i, d := range departments {
		if d.ID == uuid.Nil || i > 0 && departments[i-1].ID == d.ID {
			return nil, fmt.Errorf("policy: department %s is empty or listed twice", d.ID)
		}
		company := o.companyNumber(d.Company)
		if company == none {
			return nil, fmt.Errorf("policy: department %s belongs to unknown company %s", d.ID, d.Company)
		}
		o.departments[i] = department{place{d.ID, none}, company}
	}
	for i, c := range companies {
		if o.companies[i].parent = o.companyNumber(c.Parent); o.companies[i].parent == none && c.Parent != uuid.Nil {
			return nil, fmt.Errorf("policy: company %s is a parent but unknown", c.Parent)
		}
	}
	for i, d := range departments {
		if o.departments[i].parent = o.departmentNumber(d.Parent); o.departments[i].parent == none && d.Parent != uuid.Nil {
			return nil, fmt.Errorf("policy: department %s is a parent but unknown", d.Parent)
		}
	}
	if n := cycle(len(o.companies), o.overCompany); n != none {
		return nil, fmt.Errorf("policy: company %s is its own ancestor", o.companies[n].id)
	}
	if n := cycle(len(o.departments), o.overDepartment); n != none {
		return nil, fmt.Errorf("policy: department %s is its own ancestor", o.departments[n].id)
	}
	if err := o.employ(employments); err != nil {
		return nil, err
	}
	return o, nil
}

// employ enters the employments.
func (o *Org) employ(employments []OrgEmployment) error {
	for _, e := range employments {
		for _, at := range [2]time.Time{e.From, e.Until} {
			if !at.IsZero() {
				o.instants = append(o.instants, at)
			}
		}
	}
	slices.SortFunc(o.instants, time.Time.Compare)
	o.instants = fitted(slices.CompactFunc(o.instants, time.Time.Equal))
	number := func(at time.Time) int32 {
		if at.IsZero() {
			return none
		}
		n, _ := slices.BinarySearchFunc(o.instants, at, time.Time.Compare)
		return int32(n)
	}
	superiors := 0
	for i, e := range employments {
		if e.Staff == uuid.Nil {
			return errors.New("policy: employment without staff")
		}
		d := o.departmentNumber(e.Department)
		if d == none || o.companies[o.departments[d].company].id != e.Company {
			return fmt.Errorf("policy: employment of %s in department %s, company %s: no such place", e.Staff, e.Department, e.Company)
		}
		o.jobs[i] = job{e.Staff, e.Superior, d, number(e.From), number(e.Until)}
		if e.Superior != uuid.Nil {
			superiors++
		}
	}
	slices.SortStableFunc(o.jobs, func(a, b job) int { return compareIDs(a.staff, b.staff) })
	o.reports = make([]int32, 0, superiors)
	for i := range o.jobs {
		if o.jobs[i].superior != uuid.Nil {
			o.reports = append(o.reports, int32(i))
		}
	}
	slices.SortStableFunc(o.reports, func(a, b int32) int { return compareIDs(o.jobs[a].superior, o.jobs[b].superior) })
	return nil
}

func compareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

// numberOf gives the place of an id in a sorted list; none when it is not there.
func numberOf[T any](list []T, id uuid.UUID, of func(*T) *uuid.UUID) int32 {
	low, high := 0, len(list)
	for low < high {
		middle := int(uint(low+high) / 2)
		switch c := compareIDs(*of(&list[middle]), id); {
		case c == 0:
			return int32(middle)
		case c < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return none
}

func (o *Org) companyNumber(id uuid.UUID) int32 {
	return numberOf(o.companies, id, func(p *place) *uuid.UUID { return &p.id })
}

func (o *Org) departmentNumber(id uuid.UUID) int32 {
	return numberOf(o.departments, id, func(d *department) *uuid.UUID { return &d.id })
}

func (o *Org) overCompany(n int32) int32    { return o.companies[n].parent }
func (o *Org) overDepartment(n int32) int32 { return o.departments[n].parent }

func (o *Org) hasCompany(id uuid.UUID) bool { return o.companyNumber(id) != none }

// companyOf gives the company of a department that there is.
func (o *Org) companyOf(department uuid.UUID) (uuid.UUID, bool) {
	n := o.departmentNumber(department)
	if n == none {
		return uuid.Nil, false
	}
	return o.companies[o.departments[n].company].id, true
}

// parentDepartment is zero at a root and for what is unknown.
func (o *Org) parentDepartment(id uuid.UUID) uuid.UUID {
	if n := o.departmentNumber(id); n != none && o.departments[n].parent != none {
		return o.departments[o.departments[n].parent].id
	}
	return uuid.Nil
}

// parentCompany is zero at a root and for what is unknown.
func (o *Org) parentCompany(id uuid.UUID) uuid.UUID {
	if n := o.companyNumber(id); n != none && o.companies[n].parent != none {
		return o.companies[o.companies[n].parent].id
	}
	return uuid.Nil
}

// cycle gives one of those that are their own ancestors, or none.
func cycle(count int, over func(int32) int32) int32 {
	const free, onPath, fine = 0, 1, 2
	state := make([]uint8, count)
	for n := range int32(count) {
		at := n
		for at != none && state[at] == free {
			state[at] = onPath
			at = over(at)
		}
		if at != none && state[at] == onPath {
			return at
		}
		for at = n; at != none && state[at] == onPath; at = over(at) {
			state[at] = fine
		}
	}
	return none
}

// below gives which of the numbered are among the roots or below one of them.
func below(count int, over func(int32) int32, roots []int32) []bool {
	const unknown, in, out = 0, 1, 2
	state := make([]uint8, count)
	for _, n := range roots {
		state[n] = in
	}
	found := make([]bool, count)
	for n := range int32(count) {
		at := n
		for state[at] == unknown && over(at) != none {
			at = over(at)
		}
		verdict := state[at]
		if verdict == unknown {
			verdict = out
		}
		for at = n; at != none && state[at] == unknown; at = over(at) {
			state[at] = verdict
		}
		found[n] = state[n] == in
	}
	return found
}

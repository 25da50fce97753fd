package policy

import (
	"slices"
	"sort"
	"time"
	"unsafe"

	"github.com/google/uuid"
)

// Tenant the organisation belongs to.
func (o *Org) Tenant() uuid.UUID { return o.tenant }

// Version of the organisation the snapshot was read at.
func (o *Org) Version() int64 { return o.version }

// CompanyOf gives the company of a department; zero when the department is unknown.
func (o *Org) CompanyOf(department uuid.UUID) uuid.UUID {
	company, _ := o.companyOf(department)
	return company
}

// Bytes is the memory that the organisation holds.
func (o *Org) Bytes() int {
	return int(unsafe.Sizeof(*o)) + heldBy(o.companies) + heldBy(o.departments) + heldBy(o.jobs) + heldBy(o.reports) + heldBy(o.instants)
}

// at gives an instant by its number.
func (o *Org) at(n int32) time.Time {
	if n == none {
		return time.Time{}
	}
	return o.instants[n]
}

func (o *Org) employment(j *job) OrgEmployment {
	d := &o.departments[j.department]
	return OrgEmployment{j.staff, o.companies[d.company].id, d.id, j.superior, o.at(j.from), o.at(j.until)}
}

func (o *Org) holds(j *job, now time.Time) bool { return inForce(o.at(j.from), o.at(j.until), now) }

// jobsOf gives the jobs of a person, whenever they are.
func (o *Org) jobsOf(staff uuid.UUID) []job {
	first, _ := slices.BinarySearchFunc(o.jobs, staff, func(j job, id uuid.UUID) int { return compareIDs(j.staff, id) })
	end := first
	for end < len(o.jobs) && o.jobs[end].staff == staff {
		end++
	}
	return o.jobs[first:end]
}

// reportsTo gives the numbers of the jobs directly below a person, whenever they are.
func (o *Org) reportsTo(superior uuid.UUID) []int32 {
	first, _ := slices.BinarySearchFunc(o.reports, superior, func(n int32, id uuid.UUID) int { return compareIDs(o.jobs[n].superior, id) })
	end := first
	for end < len(o.reports) && o.jobs[o.reports[end]].superior == superior {
		end++
	}
	return o.reports[first:end]
}

// Employments of a person that hold at the instant.
func (o *Org) Employments(staff uuid.UUID, now time.Time) []OrgEmployment {
	var out []OrgEmployment
	jobs := o.jobsOf(staff)
	for i := range jobs {
		if o.holds(&jobs[i], now) {
			out = append(out, o.employment(&jobs[i]))
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
	out := []uuid.UUID{staff}
	for next := 0; next < len(out); next++ {
		for _, n := range o.reportsTo(out[next]) {
			if j := &o.jobs[n]; !seen[j.staff] && o.holds(j, now) {
				seen[j.staff] = true
				out = append(out, j.staff)
			}
		}
	}
	return sortedIDs(out)
}

// DepartmentTree gives the departments and everything below them, sorted; unknown ones are left out.
func (o *Org) DepartmentTree(roots ...uuid.UUID) []uuid.UUID {
	return tree(len(o.departments), o.overDepartment, roots, o.departmentNumber, func(n int) uuid.UUID { return o.departments[n].id })
}

// CompanyTreeOf gives the companies and everything below them, sorted; unknown ones are left out.
func (o *Org) CompanyTreeOf(roots ...uuid.UUID) []uuid.UUID {
	return tree(len(o.companies), o.overCompany, roots, o.companyNumber, func(n int) uuid.UUID { return o.companies[n].id })
}

func tree(count int, over func(int32) int32, roots []uuid.UUID, number func(uuid.UUID) int32, id func(int) uuid.UUID) []uuid.UUID {
	var known []int32
	for _, r := range roots {
		if n := number(r); n != none {
			known = append(known, n)
		}
	}
	if len(known) == 0 {
		return nil
	}
	var out []uuid.UUID
	for n, in := range below(count, over, known) {
		if in {
			out = append(out, id(n)) // numbers are in the order of ids
		}
	}
	return out
}

// places gives the departments and companies a binding stands in. An anchor that the organisation does not know, or
// whose department and company do not belong together, stands nowhere.
func (o *Org) places(staff uuid.UUID, bd *Binding, now time.Time) (departments, companies []uuid.UUID) {
	if bd.Department != uuid.Nil {
		company, known := o.companyOf(bd.Department)
		if !known || (bd.Company != uuid.Nil && bd.Company != company) {
			return nil, nil
		}
		return []uuid.UUID{bd.Department}, []uuid.UUID{company}
	}
	if bd.Company != uuid.Nil {
		if !o.hasCompany(bd.Company) {
			return nil, nil
		}
		companies = []uuid.UUID{bd.Company}
	}
	for _, e := range o.Employments(staff, now) {
		if bd.Company != uuid.Nil && e.Company != bd.Company {
			continue
		}
		departments = append(departments, e.Department)
		if bd.Company == uuid.Nil {
			companies = append(companies, e.Company)
		}
	}
	return departments, companies
}

// nextBoundary is the first instant after now at which an employment begins or ends; zero when there is none.
func (o *Org) nextBoundary(now time.Time) time.Time {
	i := sort.Search(len(o.instants), func(i int) bool { return o.instants[i].After(now) })
	if i == len(o.instants) {
		return time.Time{}
	}
	return o.instants[i]
}

// sortedIDs sorts, drops duplicates and nil UUIDs, in place.
func sortedIDs(ids []uuid.UUID) []uuid.UUID {
	slices.SortFunc(ids, compareIDs)
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
	note := func(j *job) {
		for _, n := range [2]int32{j.from, j.until} {
			if n != none && o.instants[n].After(now) {
				out = append(out, o.instants[n])
			}
		}
	}
	own := o.jobsOf(staff)
	for i := range own {
		note(&own[i])
	}
	for queue := []uuid.UUID{staff}; len(queue) > 0; queue = queue[1:] {
		for _, n := range o.reportsTo(queue[0]) {
			j := &o.jobs[n]
			note(j)
			if !seen[j.staff] {
				seen[j.staff] = true
				queue = append(queue, j.staff)
			}
		}
	}
	return out
}

package tenancy

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// FastUUIDs has a connection send ids as the sixteen bytes that they are. uuid.UUID is a driver.Valuer, and the driver would
// by itself go through its text, at several allocations for each id. Ids that may be missing are read in the same way; of the
// others the driver asks their sql.Scanner first: read them into a [16]byte.
func FastUUIDs(m *pgtype.Map) {
	m.TryWrapEncodePlanFuncs = append([]pgtype.TryWrapEncodePlanFunc{wrapEncode}, m.TryWrapEncodePlanFuncs...)
	m.TryWrapScanPlanFuncs = append([]pgtype.TryWrapScanPlanFunc{wrapScan}, m.TryWrapScanPlanFuncs...)
}

// wire is an id that the driver knows how to handle.
type wire uuid.UUID

// UUIDValue implements pgtype.UUIDValuer.
func (u wire) UUIDValue() (pgtype.UUID, error) { return pgtype.UUID{Bytes: u, Valid: true}, nil }

// wires is a list of ids; it implements pgtype.ArrayGetter without a value of its own for each.
type wires []wire

func (l wires) Dimensions() []pgtype.ArrayDimension {
	if l == nil {
		return nil
	}
	return []pgtype.ArrayDimension{{Length: int32(len(l)), LowerBound: 1}}
}
func (l wires) Index(i int) any { return &l[i] }
func (l wires) IndexType() any  { return (*wire)(nil) }

// one, perhaps and many are the ways from what is given to what is sent. A plan belongs to one connection, which sends one
// statement at a time: one keeps the id that it is sending, so that none is allocated.
type (
	one struct {
		next pgtype.EncodePlan
		id   wire
	}
	perhaps struct{ next pgtype.EncodePlan }
	many    struct{ next pgtype.EncodePlan }
)

func (p *one) SetNext(next pgtype.EncodePlan)     { p.next = next }
func (p *perhaps) SetNext(next pgtype.EncodePlan) { p.next = next }
func (p *many) SetNext(next pgtype.EncodePlan)    { p.next = next }

func (p *one) Encode(v any, buf []byte) ([]byte, error) {
	p.id = wire(v.(uuid.UUID))
	return p.next.Encode(&p.id, buf)
}

func (p *perhaps) Encode(v any, buf []byte) ([]byte, error) {
	u := v.(*uuid.UUID)
	if u == nil {
		return nil, nil
	}
	return p.next.Encode((*wire)(u), buf)
}

func (p *many) Encode(v any, buf []byte) ([]byte, error) { return p.next.Encode(listOf(v), buf) }

func convert[T ~[16]byte](list []T) wires {
	if list == nil {
		return nil
	}
	out := make(wires, len(list))
	for i := range list {
		out[i] = wire(list[i])
	}
	return out
}

func listOf(v any) wires {
	switch v := v.(type) {
	case []uuid.UUID:
		return convert(v)
	case [][16]byte:
		return convert(v)
	}
	return nil
}

func wrapEncode(v any) (pgtype.WrappedEncodePlanNextSetter, any, bool) {
	switch v := v.(type) {
	case uuid.UUID:
		return &one{}, (*wire)(&v), true
	case *uuid.UUID:
		return &perhaps{}, (*wire)(v), true
	case []uuid.UUID, [][16]byte:
		return &many{}, listOf(v), true
	}
	return nil, nil, false
}

// missing reads an id, or NULL.
type missing struct{ next pgtype.ScanPlan }

func (p *missing) SetNext(next pgtype.ScanPlan) { p.next = next }

func (p *missing) Scan(src []byte, dst any) error {
	to := dst.(**uuid.UUID)
	if src == nil {
		*to = nil
		return nil
	}
	*to = new(uuid.UUID)
	return p.next.Scan(src, (*[16]byte)(*to))
}

func wrapScan(target any) (pgtype.WrappedScanPlanNextSetter, any, bool) {
	if _, ok := target.(**uuid.UUID); ok {
		return &missing{}, (*[16]byte)(nil), true
	}
	return nil, nil, false
}

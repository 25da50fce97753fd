package read

import "github.com/jackc/pgx/v5/pgtype"

// idKey and idKeys are uuid and uuid[] parameters that the driver encodes without an allocation per element.
type (
	idKey  [16]byte
	idKeys []idKey
)

// UUIDValue gives the value in the driver's form.
func (k *idKey) UUIDValue() (pgtype.UUID, error) { return pgtype.UUID{Bytes: *k, Valid: true}, nil }

// Dimensions of the array: one, even if it is empty.
func (k idKeys) Dimensions() []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(len(k)), LowerBound: 1}}
}

// Index gives a pointer into the array, which needs no box.
func (k idKeys) Index(i int) any { return &k[i] }

// IndexType tells the driver what Index gives.
func (k idKeys) IndexType() any { return (*idKey)(nil) }

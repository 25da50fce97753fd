package tenancy

import (
	"bytes"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

func TestIDsAreSentAsTheDriverWouldSendThem(t *testing.T) {
	t.Parallel()
	m, plain := pgtype.NewMap(), pgtype.NewMap()
	FastUUIDs(m)
	u, v := uuid.New(), uuid.New()
	var none *uuid.UUID
	for _, c := range []struct {
		oid   uint32
		value any
	}{
		{pgtype.UUIDOID, u},
		{pgtype.UUIDOID, &u},
		{pgtype.UUIDOID, [16]byte(u)},
		{pgtype.UUIDOID, none},
		{pgtype.UUIDArrayOID, []uuid.UUID{u, v}},
		{pgtype.UUIDArrayOID, [][16]byte{u, v}},
		{pgtype.UUIDArrayOID, []uuid.UUID{}},
		{pgtype.UUIDArrayOID, []uuid.UUID(nil)},
	} {
		for _, format := range []int16{pgtype.BinaryFormatCode, pgtype.TextFormatCode} {
			got, err := m.Encode(c.oid, format, c.value, nil)
			if err != nil {
				t.Errorf("%T: %v", c.value, err)
			}
			want, err := plain.Encode(c.oid, format, c.value, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) || (got == nil) != (want == nil) {
				t.Errorf("%T in format %d is sent as %x, the driver by itself sends %x", c.value, format, got, want)
			}
		}
	}
}

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
		{pgtype.UUIDOID, v}, // by the plan that was kept of the first
		{pgtype.UUIDOID, &u},
		{pgtype.UUIDOID, [16]byte(u)},
		{pgtype.UUIDOID, none},
		{pgtype.UUIDArrayOID, []uuid.UUID{u, v}},
		{pgtype.UUIDArrayOID, [][16]byte{u, v}},
		{pgtype.UUIDArrayOID, []uuid.UUID{}},
		{pgtype.UUIDArrayOID, []uuid.UUID(nil)},
	} {
		for _, format := range []int16{pgtype.BinaryFormatCode, pgtype.TextFormatCode, pgtype.BinaryFormatCode} {
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

func TestIDsThatMayBeMissing(t *testing.T) {
	t.Parallel()
	m := pgtype.NewMap()
	FastUUIDs(m)
	u := uuid.New()
	for format, sent := range map[int16][]byte{pgtype.BinaryFormatCode: u[:], pgtype.TextFormatCode: []byte(u.String())} {
		got := &uuid.UUID{1}
		if err := m.Scan(pgtype.UUIDOID, format, sent, &got); err != nil || got == nil || *got != u {
			t.Errorf("format %d: %v %v", format, got, err)
		}
		if err := m.Scan(pgtype.UUIDOID, format, nil, &got); err != nil || got != nil {
			t.Errorf("NULL in format %d: %v %v", format, got, err)
		}
	}
	var got *uuid.UUID
	if err := m.Scan(pgtype.UUIDOID, pgtype.BinaryFormatCode, u[:5], &got); err == nil {
		t.Error("five bytes were taken for an id")
	}
}

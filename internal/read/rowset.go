package read

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

var errWire = errors.New("read: a value is not in the form that the type table says")

// rowset holds the wire values of a statement's rows, back to back.
type rowset struct {
	buf     []byte
	off     []int32 // start and end of each cell; start -1 is NULL
	columns int
	n       int
	done    bool    // the statement was sent
	start   []int32 // first row of each ordinal (from 1), and the end
	of      []int32 // ordinal by row of the parent, 0 for none
}

func (s *rowset) reset() {
	s.buf, s.off, s.start, s.of = s.buf[:0], s.off[:0], s.start[:0], s.of[:0]
	s.columns, s.n, s.done = 0, 0, false
}

// cell is the value, nil for NULL.
func (s *rowset) cell(row, col int) []byte {
	i := (row*s.columns + col) * 2
	if s.off[i] < 0 {
		return nil
	}
	return s.buf[s.off[i]:s.off[i+1]:s.off[i+1]]
}

// code is an access code; a missing one hides.
func (s *rowset) code(row, col int) int16 {
	b := s.cell(row, col)
	if len(b) != 2 {
		return 0
	}
	return int16(binary.BigEndian.Uint16(b))
}

// read takes all rows; ords is the number of ordinals that there can be.
func (s *rowset) read(rows pgx.Rows, ordCol, ords int) error {
	defer rows.Close()
	s.done = true
	fields := rows.FieldDescriptions()
	s.columns = len(fields)
	for i := range fields {
		if fields[i].Format != pgx.BinaryFormatCode && fields[i].DataTypeOID != 25 {
			return fmt.Errorf("%w: column %d is sent as text", errWire, i)
		}
	}
	last := 0
	for rows.Next() {
		for _, v := range rows.RawValues() {
			if v == nil {
				s.off = append(s.off, -1, -1)
				continue
			}
			from := int32(len(s.buf))
			s.buf = append(s.buf, v...)
			s.off = append(s.off, from, int32(len(s.buf)))
		}
		ord := 1
		if ordCol >= 0 {
			ord = int(integer(s.cell(s.n, ordCol)))
		}
		for ; last < ord; last++ {
			s.start = append(s.start, int32(s.n))
		}
		s.n++
	}
	for ; last < ords+1; last++ {
		s.start = append(s.start, int32(s.n))
	}
	return rows.Err()
}

// rows of an ordinal: [from, to).
func (s *rowset) rows(ord int) (from, to int) {
	if ord < 1 || ord >= len(s.start) {
		return 0, 0
	}
	return int(s.start[ord-1]), int(s.start[ord])
}

// follow notes which ordinal belongs to which row of a parent whose ids were known beforehand. A row that may not lead
// here has NULL in its column: what was read for it belongs to nothing.
func (s *rowset) follow(parent *rowset, col int) {
	s.of = s.of[:0]
	for ord := 1; ord < len(parent.start); ord++ {
		from, to := parent.rows(ord)
		for row := from; row < to; row++ {
			if len(parent.cell(row, col)) != 16 {
				s.of = append(s.of, 0)
				continue
			}
			s.of = append(s.of, int32(ord))
		}
	}
}

// keys collects the ids in a column of the parent's rows, leaving out the row beyond a page, and notes which ordinal
// belongs to which row.
func (s *rowset) keys(parent *rowset, col, limit int) idKeys {
	out := make(idKeys, 0, parent.n)
	s.of = s.of[:0]
	for ord := 1; ord < len(parent.start); ord++ {
		from, to := parent.rows(ord)
		for row := from; row < to; row++ {
			b := parent.cell(row, col)
			if row-from >= limit || len(b) != 16 {
				s.of = append(s.of, 0)
				continue
			}
			out = append(out, idKey(b))
			s.of = append(s.of, int32(len(out)))
		}
	}
	return out
}

package file

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// ordered lays the objects of a written document out by their numbers: the writer follows maps, whose order is another one
// each time. It understands what the writer writes with plain objects and one plain cross-reference table, and leaves
// anything else as it is.
func ordered(doc []byte) []byte {
	tail := regexp.MustCompile(`startxref\s+(\d+)\s+%%EOF\s*$`).FindSubmatchIndex(doc)
	if tail == nil {
		return doc
	}
	table, err := strconv.Atoi(string(doc[tail[2]:tail[3]]))
	if err != nil || table >= len(doc) || !bytes.HasPrefix(doc[table:], []byte("xref")) {
		return doc
	}
	end := bytes.Index(doc[table:], []byte("trailer"))
	if end < 0 {
		return doc
	}
	entries := regexp.MustCompile(`(\d{10}) (\d{5}) n`).FindAllSubmatchIndex(doc[table:table+end], -1)
	offsets := make([]int, len(entries))
	for i, e := range entries {
		if offsets[i], err = strconv.Atoi(string(doc[table+e[2] : table+e[3]])); err != nil || offsets[i] >= table {
			return doc
		}
	}
	ends := append(slices.Sorted(slices.Values(offsets)), table)
	if len(ends) < 2 {
		return doc
	}
	out := bytes.Clone(doc[:ends[0]])
	xref := bytes.Clone(doc[table:])
	for i, from := range offsets { // entries stand in the order of their numbers
		at, _ := slices.BinarySearch(ends, from)
		copy(xref[entries[i][2]:entries[i][3]], fmt.Sprintf("%010d", len(out)))
		out = append(out, doc[from:ends[at+1]]...)
	}
	if len(out) != table {
		return doc // two entries for one object, or bytes that belong to none
	}
	return append(out, xref...)
}

package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// Format names the export's form, in its first line.
const Format = "clientele-audit-1"

// line is one line of an export: a header, then records each followed by the checkpoint of its size, then the end.
// Bytes are base64 in the standard alphabet.
type line struct {
	Type string `json:"type"` // header, record, checkpoint, end

	Format string     `json:"format,omitempty"`
	Tenant *uuid.UUID `json:"tenantId,omitempty"`

	Number int64    `json:"number,omitempty"`
	Seal   []byte   `json:"seal,omitempty"`
	Tree   [][]byte `json:"tree,omitempty"`
	Record *Record  `json:"record,omitempty"`

	Size      int64      `json:"size,omitempty"`
	Note      string     `json:"note,omitempty"`
	CreatedAt *time.Time `json:"createdAt,omitempty"`

	TreeHashes *int64 `json:"treeHashes,omitempty"`
	Unsealed   *int64 `json:"unsealed,omitempty"`
}

// Export writes a trail as JSON lines that FromFile reads, and counts the records. It does not verify: an export of a
// trail that was tampered with is evidence too. A row that is no record at all ends it with an error.
func Export(ctx context.Context, w io.Writer, trail Trail) (records int64, err error) {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(line{Type: "header", Format: Format, Tenant: &trail.Tenant}); err != nil {
		return 0, err
	}
	for item, err := range trail.Items {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return records, err
		}
		l := line{}
		switch {
		case item.Record != nil:
			r := item.Record
			if r.Broken != "" {
				return records, fmt.Errorf("audit: export: record %d: %s", r.Number, r.Broken)
			}
			l = line{Type: "record", Number: r.Number, Seal: r.Seal, Tree: r.Tree, Record: &r.Record}
			records++
		case item.Checkpoint != nil:
			c := item.Checkpoint
			l = line{Type: "checkpoint", Size: c.Size, Note: c.Note}
			if c.CreatedAt.Valid && c.CreatedAt.InfinityModifier == pgtype.Finite {
				at := c.CreatedAt.Time.UTC()
				l.CreatedAt = &at
			}
		case item.End != nil:
			l = line{Type: "end", TreeHashes: &item.End.TreeHashes, Unsealed: &item.End.Unsealed}
		}
		if err := enc.Encode(l); err != nil {
			return records, fmt.Errorf("audit: export: %w", err)
		}
	}
	return records, out.Flush()
}

// maxLine is far above what a record can hold and keeps a file of one endless line from filling the memory.
const maxLine = 64 << 20

// FromFile reads an export. A line that is none is taken as a record that was altered.
func FromFile(r io.Reader) (Trail, error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 1<<16), maxLine)
	var head line
	if !in.Scan() || json.Unmarshal(in.Bytes(), &head) != nil || head.Type != "header" || head.Format != Format || head.Tenant == nil {
		return Trail{}, fmt.Errorf("audit: the file does not begin with the header of an export (%s)", Format)
	}
	return Trail{Tenant: *head.Tenant, Items: func(yield func(Item, error) bool) {
		number := int64(0)
		for in.Scan() {
			item, err := parseLine(in.Bytes())
			if err != nil {
				item = Item{Record: &Sealed{Number: number + 1, Broken: err.Error()}}
			}
			if item.Record != nil {
				number = item.Record.Number
			}
			if !yield(item, nil) {
				return
			}
		}
		if err := in.Err(); err != nil {
			yield(Item{}, fmt.Errorf("audit: export file: %w", err))
		}
	}}, nil
}

func parseLine(text []byte) (Item, error) {
	var l line
	if err := unmarshal(text, &l); err != nil {
		return Item{}, fmt.Errorf("the line is none of an export: %w", err)
	}
	switch {
	case l.Type == "record" && l.Record != nil:
		return Item{Record: &Sealed{Number: l.Number, Seal: l.Seal, Tree: l.Tree, Record: *l.Record}}, nil
	case l.Type == "checkpoint":
		c := &Signed{Size: l.Size, Note: l.Note}
		if l.CreatedAt != nil {
			c.CreatedAt = pgtype.Timestamptz{Time: *l.CreatedAt, Valid: true}
		}
		return Item{Checkpoint: c}, nil
	case l.Type == "end" && l.TreeHashes != nil && l.Unsealed != nil:
		return Item{End: &End{TreeHashes: *l.TreeHashes, Unsealed: *l.Unsealed}}, nil
	}
	return Item{}, errors.New("the line is neither record, checkpoint nor end")
}

// unmarshal reads JSON that can be read in one way only. SECURITY: what was understood says everything that the text
// says: no member is unknown, stands twice (under names of another case, too), or has a second form.
func unmarshal(text []byte, into any) error {
	got, err := appendCanonicalJSON(nil, text)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return err
	}
	again, err := json.Marshal(into)
	if err == nil {
		again, err = appendCanonicalJSON(nil, again)
	}
	if err != nil || !bytes.Equal(got, again) {
		return errors.New("it has members or forms that were never written")
	}
	return nil
}

package file

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Media is one media type that is taken.
type Media struct {
	Type   string
	Ending string // of names, for the sender's convenience
	Why    string // it is taken
	// Marked: the reader's name can be put on every page.
	Marked bool
	// begins are the first bytes, any of them; none for text.
	begins []string
	// part is a member that the archive has, of formats that are zip archives.
	part string
}

// MediaTypes is the complete list. What is not on it is refused: programs, archives, pages with scripts, formats with
// macros, and images that are programs (SVG).
func MediaTypes() []Media {
	const office = "PK\x03\x04"
	const compound = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
	return []Media{
		{Type: "application/pdf", Ending: ".pdf", Why: "scans and signed documents", Marked: true, begins: []string{"%PDF-1.", "%PDF-2."}},
		{Type: "image/png", Ending: ".png", Why: "scans and screenshots", Marked: true, begins: []string{"\x89PNG\r\n\x1a\n"}},
		{Type: "image/jpeg", Ending: ".jpg", Why: "photographs of paper", Marked: true, begins: []string{"\xff\xd8\xff"}},
		{Type: "image/tiff", Ending: ".tif", Why: "scanners and fax servers send it", begins: []string{"II*\x00", "MM\x00*"}},
		{Type: "text/plain", Ending: ".txt", Why: "notes"},
		{Type: "text/csv", Ending: ".csv", Why: "lists"},
		{Type: "application/vnd.openxmlformats-officedocument.wordprocessingml.document", Ending: ".docx", Why: "drafts of contracts and letters", begins: []string{office}, part: "word/document.xml"},
		{Type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Ending: ".xlsx", Why: "accounts and quotations", begins: []string{office}, part: "xl/workbook.xml"},
		{Type: "application/vnd.openxmlformats-officedocument.presentationml.presentation", Ending: ".pptx", Why: "presentations of clients", begins: []string{office}, part: "ppt/presentation.xml"},
		{Type: "application/msword", Ending: ".doc", Why: "old files of clients", begins: []string{compound}},
		{Type: "application/vnd.ms-excel", Ending: ".xls", Why: "old files of clients", begins: []string{compound}},
	}
}

// mediaOf finds a type as it is written in MediaTypes; parameters and capitals are none of it.
func mediaOf(name string) (Media, bool) {
	for _, m := range MediaTypes() {
		if m.Type == name {
			return m, true
		}
	}
	return Media{}, false
}

// headLength is how much of a file's beginning is looked at.
const headLength = 1024

var errType = errors.New("file: the bytes are not of the declared type")

// sniffer passes bytes on and fails where they are not of the type: at the beginning, and for text anywhere.
type sniffer struct {
	r     io.Reader
	media Media
	head  []byte
	tail  []byte // of text: bytes of a character that is not complete
	seen  bool
	utf8  bool // text is still UTF-8
	gb    bool // text is still GB 18030
}

func newSniffer(r io.Reader, m Media) *sniffer { return &sniffer{r: r, media: m, utf8: true, gb: true} }

func (s *sniffer) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if e := s.look(p[:n], err == io.EOF); e != nil {
		return 0, e
	}
	return n, err
}

func (s *sniffer) look(b []byte, end bool) error {
	if len(s.media.begins) == 0 {
		return s.text(b, end)
	}
	if s.seen {
		return nil
	}
	if s.head = append(s.head, b[:min(len(b), headLength-len(s.head))]...); len(s.head) < headLength && !end {
		return nil
	}
	s.seen = true
	head := s.head
	if s.media.Type == "application/pdf" { // readers allow what some scanners and mail gateways put before it
		if at := bytes.Index(head, []byte("%PDF-")); at > 0 {
			head = head[at:]
		}
	}
	for _, begin := range s.media.begins {
		if strings.HasPrefix(string(head), begin) {
			return nil
		}
	}
	return errType
}

// text is UTF-8 or GB 18030 without control characters that no text has.
func (s *sniffer) text(b []byte, end bool) error {
	for _, c := range b {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' {
			return errType
		}
	}
	s.tail = append(s.tail, b...)
	if len(s.tail) < 64<<10 && !end {
		return nil
	}
	cut := len(s.tail)
	if !end {
		cut = bytes.LastIndexByte(s.tail, '\n') + 1 // no character of either encoding has this byte inside
		if cut == 0 {
			if len(s.tail) > 4<<20 {
				return errType // a line of four megabytes is no text
			}
			return nil
		}
	}
	part := s.tail[:cut]
	if s.utf8 {
		s.utf8 = utf8.Valid(part)
	}
	if !s.utf8 && s.gb {
		decoded, err := simplifiedchinese.GB18030.NewDecoder().Bytes(part)
		s.gb = err == nil && !bytes.ContainsRune(decoded, utf8.RuneError)
	}
	s.tail = append(s.tail[:0], s.tail[cut:]...)
	if !s.utf8 && !s.gb {
		return errType
	}
	return nil
}

// Bounds of an office document's table of contents.
const maxParts = 10_000

// checkArchive makes sure that a zip archive is the office document it says, without macros.
func checkArchive(r io.ReaderAt, size int64, m Media) error {
	z, err := zip.NewReader(r, size)
	if err != nil || len(z.File) > maxParts {
		return errType
	}
	found := false
	for _, f := range z.File {
		name := strings.ToLower(f.Name)
		if strings.HasSuffix(name, "vbaproject.bin") || strings.Contains(name, "/activex/") {
			return errMacros
		}
		found = found || f.Name == m.part
	}
	if !found {
		return errType
	}
	return nil
}

var errMacros = errors.New("file: the document has macros")

package product_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/blob"
	"github.com/clientele/clientele/internal/file"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/product"
	"github.com/clientele/clientele/internal/tenancy"
)

// A file goes through the whole product: ticket, upload, scan, link, download. What is secret on the way stands in no log
// and no span, and the opening is in the audit trail with what it was for.
func TestFilesThroughTheProduct(t *testing.T) {
	t.Parallel()
	store, err := blob.OpenFolder(filepath.Join(t.TempDir(), "files"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	x := newTraced(t, &product.Files{Store: store, Key: bytes.Repeat([]byte{7}, 32), NoScan: true, Temp: t.TempDir()})
	session := x.person.Session
	const purpose = "bor_01h455vb4pex5vsknk084sn02q"
	body := []byte("欧阳致远的信用材料\n")
	sum := sha256.Sum256(body)
	var f file.File
	var secret string
	_, err = x.services.Run.Run(t.Context(), session, act.Spec{Name: "test.ticket", Event: "test.ticket.v1"}, x.Key(), nil, func(ctx context.Context, w *act.Work) (_ act.Result, err error) {
		f, secret, err = x.services.File.Ticket(ctx, w, file.Want{Name: "信用.txt", MediaType: "text/plain", Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:])})
		return act.Result{Subject: act.Subject{Type: "File", ID: f.ID, Version: 1}}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	path := "/files/" + id.Encode(id.File, f.ID)
	ask := func(method, path string, body []byte, header ...string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, x.server.URL+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		r.Header.Set("Traceparent", fmt.Sprintf("00-%s-00000000000000a1-01", trace.TraceID(uuid.New())))
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	if status, answer := ask("PUT", path, body, "Authorization", "Bearer "+x.token, file.TicketHeader, secret); status != 201 {
		t.Fatalf("%d %s", status, answer)
	}
	if err := x.services.File.ScanTenant(t.Context(), session.Tenant); err != nil {
		t.Fatal(err)
	}
	var link file.Link
	if err := x.DB.InTx(t.Context(), session, func(ctx context.Context, tx *tenancy.Tx) (err error) {
		link, err = x.services.File.Link(ctx, tx, file.Ask{File: f.ID, Purpose: purpose})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if status, answer := ask("GET", link.Path, nil); status != 404 || !strings.Contains(answer, "NOT_FOUND") {
		t.Errorf("a file that belongs to nothing: %d %s", status, answer)
	}
	// What is refused is where tokens get into logs.
	ask("GET", link.Path+"x", nil)
	ask("PUT", path, body, "Authorization", "Bearer "+x.token, file.TicketHeader, secret)
	ask("PUT", path+"?ticket="+secret, body, "Authorization", "Bearer "+x.token)
	_, token, _ := strings.Cut(link.Path, "?link=")
	var found []string
	for id, spans := range x.finished() {
		for _, l := range leaks(spans, []string{secret, secret[4:], token, token[4:], x.token, "信用", "欧阳致远", rand.Text()}) {
			found = append(found, id.String()+" "+l)
		}
	}
	for _, s := range []string{secret[4:], token[4:], x.token, "信用", "欧阳致远"} {
		if strings.Contains(x.logs.String(), s) {
			found = append(found, "a log has "+s)
		}
	}
	slices.Sort(found)
	for _, l := range slices.Compact(found) {
		t.Error(l)
	}
}

package product_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/blob"
	"github.com/clientele/clientele/internal/file"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/product"
)

// An original goes its way as a front end takes it: registered with a ticket, uploaded, scanned, filed, opened by a link.
func TestOriginalIsUploadedFiledAndOpened(t *testing.T) {
	t.Parallel()
	store, err := blob.OpenFolder(filepath.Join(t.TempDir(), "files"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	x := newTraced(t, &product.Files{Store: store, Key: bytes.Repeat([]byte{7}, 32), NoScan: true, Temp: t.TempDir()})
	type payload struct {
		Client   struct{ ID string }
		Original struct {
			ID, Version string
			Versions    struct {
				Nodes []struct {
					File struct{ Name, State, Sha256 string }
				}
			}
		}
		Ticket     struct{ FileID, Secret string }
		Link       struct{ Path string }
		UserErrors []json.RawMessage
	}
	ask := func(query string, input map[string]any) payload {
		t.Helper()
		body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"input": input, "key": x.Key()}})
		if err != nil {
			t.Fatal(err)
		}
		_, text := x.send("POST", "", string(body))
		var answer struct{ Data map[string]payload }
		if err := json.Unmarshal([]byte(text), &answer); err != nil || len(answer.Data) != 1 || strings.Contains(text, `"code"`) {
			t.Fatalf("%v: %s", err, text)
		}
		for _, p := range answer.Data {
			return p
		}
		return payload{}
	}
	body := []byte("信用调查报告\n")
	sum := sha256.Sum256(body)
	client := ask(`mutation($input: ClientOpenInput!, $key: String!) { clientOpen(input: $input, idempotencyKey: $key) { client { id } userErrors { code reason field } } }`,
		map[string]any{"name": "华东极光电子有限公司", "kinds": []string{"KEY"}, "departmentId": id.Encode(id.Department, x.Department), "source": "展会"}).Client.ID
	made := ask(`mutation($input: OriginalFileInput!, $key: String!) { originalFile(input: $input, idempotencyKey: $key) { original { id version } ticket { fileId secret } userErrors { code reason field } } }`,
		map[string]any{"clientId": client, "kind": "CREDIT", "title": "信用报告", "fieldClass": 4, "provenance": "银行", "file": map[string]any{
			"name": `C:\scan\信用.txt`, "mediaType": "text/plain", "size": "19", "sha256": hex.EncodeToString(sum[:]),
		}})
	request := func(method, path string, body []byte) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, x.server.URL+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if method == http.MethodPut {
			r.Header.Set("Authorization", "Bearer "+x.token)
			r.Header.Set(file.TicketHeader, made.Ticket.Secret)
		}
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
	if status, answer := request("PUT", "/files/"+made.Ticket.FileID, body); status != 201 {
		t.Fatalf("%d %s", status, answer)
	}
	if err := x.services.File.ScanTenant(t.Context(), x.person.Session.Tenant); err != nil {
		t.Fatal(err)
	}
	filed := ask(`mutation($input: OriginalAddVersionInput!, $key: String!) { originalAddVersion(input: $input, idempotencyKey: $key) {
		original { id version versions(first: 1) { nodes { file { name state sha256 } } } } userErrors { code reason field } } }`,
		map[string]any{"originalId": made.Original.ID, "expectedVersion": made.Original.Version, "fileId": made.Ticket.FileID})
	if got := filed.Original.Versions.Nodes; len(got) != 1 || got[0].File.Name != "信用.txt" || got[0].File.State != "CLEAN" || got[0].File.Sha256 != hex.EncodeToString(sum[:]) {
		t.Errorf("filed: %+v", got)
	}
	opened := ask(`mutation($input: OriginalOpenInput!, $key: String!) { originalOpen(input: $input, idempotencyKey: $key) { link { path } userErrors { code reason field } } }`,
		map[string]any{"originalId": made.Original.ID})
	if status, answer := request("GET", opened.Link.Path, nil); status != 200 || answer != string(body) {
		t.Fatalf("%d %s", status, answer)
	}
	fileID, err := id.Parse(id.File, made.Ticket.FileID)
	if err != nil {
		t.Fatal(err)
	}
	if got := x.Text(`SELECT kind, act, actor_name, object_type FROM audit_records WHERE tenant_id = $1 AND object_id = $2 AND kind = 'opening' ORDER BY occurred_at, id`, fileID); got != "opening|reveal|"+x.person.Name+"|File;opening|original|"+x.person.Name+"|File" {
		t.Errorf("recorded: %s", got)
	}
}

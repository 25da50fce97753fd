package audit

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// The example of docs/audit-format.md: these bytes never change, or what was sealed can no longer be verified.
func TestTheFormatsExample(t *testing.T) {
	t.Parallel()
	actor, object, version := uuid.MustParse("018f0000-0000-7000-8000-000000000003"), uuid.MustParse("018f0000-0000-7000-8000-000000000004"), int64(7)
	r := Record{
		Tenant: uuid.MustParse("018f0000-0000-7000-8000-000000000001"), ID: uuid.MustParse("018f0000-0000-7000-8000-000000000002"),
		Kind: "change", Act: "client.changeProfile", ActorKind: "staff", ActorID: &actor, ActorName: "王敏",
		ObjectType: "Client", ObjectID: &object, ObjectVersion: &version,
		Detail:     json.RawMessage(`{"changes": [{"new": "\u0041\n/", "old": 1.50, "field": "客户名"}], "a": null}`),
		OccurredAt: time.Date(2026, 3, 1, 8, 0, 0, 123456000, time.FixedZone("", 8*3600)),
	}
	bytes, err := r.AppendCanonical(nil)
	if err != nil {
		t.Fatal(err)
	}
	first, err := new(hasher).seal(Hash{}, 1, &r)
	if err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string][2]string{
		"canonical": {hex.EncodeToString(bytes), exampleCanonical},
		"seal":      {hex.EncodeToString(first[:]), exampleSeal},
		"leaf":      {func() string { l := leaf(first); return hex.EncodeToString(l[:]) }(), exampleLeaf},
	} {
		if got[0] != got[1] {
			t.Errorf("%s is %s", what, got[0])
		}
	}
}

const (
	exampleCanonical = "636c69656e74656c65206175646974207265636f726420310a0100000010018f00000000700080000000000000010100000010018f00000000700080" +
		"0000000000000201000000066368616e67650100000014636c69656e742e6368616e676550726f66696c65010000000573746166660100000010018f" +
		"00000000700080000000000000030100000006e78e8be6958f000100000006436c69656e740100000010018f00000000700080000000000000040100" +
		"0000080000000000000007010000000000010000000001000000487b2261223a6e756c6c2c226368616e676573223a5b7b226669656c64223a22e5ae" +
		"a2e688b7e5908d222c226e6577223a22415c75303030612f222c226f6c64223a312e35307d5d7d0100000000010000000800064beb26c54240"
	exampleSeal = "71bb43de2bca2feeb46b8bc57d4e955f9b9d744072d1e126cd6d9ed0a6d171ed"
	exampleLeaf = "dd45219de56a30214620e556fffbd4f1ba52a058d48efb2f2079eff75cb79287"
)

func TestCanonicalJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		` { "b" : [ 1.0 , 1.00, -0 , 1e5 ,true,false, null ] , "a" : { } } `: `{"a":{},"b":[1.0,1.00,-0,1e5,true,false,null]}`,
		`{"aa":1,"b":2,"a":3}`:            `{"a":3,"aa":1,"b":2}`,
		`"\u0041\/\"\\\n\u001F\u00e9<é😀"`: `"A/\"\\\u000a\u001fé<é😀"`,
		`"\ud83d\ude00"`:                  `"😀"`,
		`{"\u0062":1,"a":[[],[{}]]}`:      `{"a":[[],[{}]],"b":1}`,
	} {
		if got, err := appendCanonicalJSON(nil, []byte(in)); err != nil || string(got) != want {
			t.Errorf("%s: %s %v, want %s", in, got, err, want)
		}
	}
	for _, bad := range []string{``, `{`, `{"a":1,"a":1}`, `{"a":1,"\u0061":2}`, "\"\xff\"", `01`, `1 2`, `nul`, `[{"x":{"y":1,"y":2}}]`} {
		if got, err := appendCanonicalJSON(nil, []byte(bad)); err == nil {
			t.Errorf("%s was taken as %s", bad, got)
		}
	}
}

// Canonical text means what the text meant, and is its own canonical text.
func TestCanonicalJSONKeepsTheMeaning(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var value func(depth int) *rapid.Generator[any]
		value = func(depth int) *rapid.Generator[any] {
			kinds := []*rapid.Generator[any]{rapid.String().AsAny(), rapid.Float64Range(-1e300, 1e300).AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil)}
			if depth > 0 {
				kinds = append(kinds, rapid.SliceOfN(value(depth-1), 0, 4).AsAny(), rapid.MapOfN(rapid.String(), value(depth-1), 0, 4).AsAny())
			}
			return rapid.OneOf(kinds...)
		}
		v := value(3).Draw(t, "value")
		plain, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		indented, _ := json.MarshalIndent(v, " ", "\t")
		a, err := appendCanonicalJSON(nil, plain)
		if err != nil {
			t.Fatal(err)
		}
		b, err := appendCanonicalJSON(nil, indented)
		if err != nil || !bytes.Equal(a, b) {
			t.Fatalf("%s and %s, %v", a, b, err)
		}
		var before, after any
		_ = json.Unmarshal(plain, &before)
		if err := json.Unmarshal(a, &after); err != nil {
			t.Fatal(err)
		}
		x, _ := json.Marshal(before)
		y, _ := json.Marshal(after)
		if !bytes.Equal(x, y) {
			t.Fatalf("%s became %s", x, y)
		}
	})
}

// The frontier grows the same tree as the transparency log's own functions.
func TestTheFrontierIsTheTree(t *testing.T) {
	t.Parallel()
	var stored, mine []Hash
	var f frontier
	read := tlog.HashReaderFunc(func(at []int64) ([]Hash, error) {
		out := make([]Hash, len(at))
		for i, p := range at {
			out[i] = stored[p]
		}
		return out, nil
	})
	for n := range int64(260) {
		l := tlog.RecordHash([]byte{byte(n), byte(n >> 8)})
		more, err := tlog.StoredHashesForRecordHash(n, l, read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		mine = f.add(mine, l)
		root, err := tlog.TreeHash(n+1, read)
		if err != nil || root != f.root() {
			t.Fatalf("root of %d: %v", n+1, err)
		}
		at := frontierPositions(n + 1)
		roots, _ := read(at)
		if len(roots) != len(f.roots) {
			t.Fatalf("frontier of %d: %v", n+1, at)
		}
		for i := range roots {
			if roots[i] != f.roots[i] {
				t.Fatalf("frontier of %d at %d", n+1, i)
			}
		}
	}
	for i := range stored {
		if stored[i] != mine[i] {
			t.Fatalf("hash %d", i)
		}
	}
	if len(stored) != len(mine) || int64(len(mine)) != tlog.StoredHashCount(260) {
		t.Errorf("%d hashes, want %d", len(mine), len(stored))
	}
}

func TestKeyFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.key")
	if _, err := LoadKey(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	publics := make([]string, 8)
	var all sync.WaitGroup
	for i := range publics {
		all.Go(func() {
			key, err := LoadOrCreateKey(path)
			if err != nil {
				t.Error(err)
				return
			}
			publics[i] = key.Public()
		})
	}
	all.Wait()
	for _, p := range publics {
		if p != publics[0] || p == "" {
			t.Errorf("keys %q and %q", p, publics[0])
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".audit-key-*")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	key, err := LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	tenant := uuid.MustParse("018f0000-0000-7000-8000-000000000001")
	c := Checkpoint{Tenant: tenant, Size: 5, Root: Hash{1}, Time: time.Date(2026, 3, 1, 0, 0, 0, 1000, time.UTC)}
	signed, err := c.sign(key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenCheckpoint(signed, tenant, verifiers(t, key.Public())); err != nil || got != c {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := OpenCheckpoint(signed, tenant, verifiers(t, newKey(t).Public())); err == nil {
		t.Error("another key took it")
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreateKey(path); err == nil {
		t.Error("a key that a group may read was taken")
	}
	_, public, err := note.GenerateKey(rand.Reader, KeyName)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "x", public, "PRIVATE+KEY+a+b+c"} {
		if _, err := ParseKey(bad); err == nil {
			t.Errorf("%q was taken as a key", bad)
		}
	}
}

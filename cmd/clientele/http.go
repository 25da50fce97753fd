package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/product"
)

// settings are what the flags say about the API.
func (f *listenFlags) settings(data string, diagnostics bool) (product.Settings, error) {
	proxies, err := prefixes(f.Proxies)
	if err != nil {
		return product.Settings{}, err
	}
	key, err := cursorKey(f.CursorKey, data)
	return product.Settings{Proxies: proxies, Origins: f.Origins, CursorKey: key, Production: f.Public, Diagnostics: diagnostics}, err
}

func prefixes(texts []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(texts))
	for _, t := range texts {
		p, err := netip.ParsePrefix(strings.TrimSpace(t))
		if err != nil {
			return nil, &trouble{
				message: fault.Text{ZH: "不是网段：" + t, EN: "not a network: " + t},
				remedy:  fault.Text{ZH: "例如 --trusted-proxy 10.0.0.0/8", EN: "for example --trusted-proxy 10.0.0.0/8"}, cause: err,
			}
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// cursorKey is the configured key, or one that is made once and kept in the data folder.
func cursorKey(configured, data string) ([]byte, error) {
	malformed := &trouble{
		message: fault.Text{ZH: "游标密钥不是至少 16 字节的十六进制数", EN: "the cursor key is not 16 bytes or more in hex"},
		remedy:  fault.Text{ZH: "用 openssl rand -hex 32 生成，设为 CLIENTELE_CURSOR_KEY", EN: "make one with openssl rand -hex 32 and set CLIENTELE_CURSOR_KEY"},
	}
	path := filepath.Join(data, "cursor.key")
	if configured == "" {
		body, err := os.ReadFile(path)
		if err == nil {
			configured = strings.TrimSpace(string(body))
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, folderTrouble(data, err)
		}
	}
	if configured == "" {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		if err := os.MkdirAll(data, 0o700); err != nil {
			return nil, folderTrouble(data, err)
		}
		if err := os.WriteFile(path, []byte(hex.EncodeToString(key)+"\n"), 0o600); err != nil {
			return nil, folderTrouble(data, err)
		}
		return key, nil
	}
	key, err := hex.DecodeString(configured)
	if err != nil || len(key) < 16 {
		return nil, malformed
	}
	return key, nil
}

// serverLog takes what net/http wants to say.
func serverLog(log *slog.Logger) *slog.Logger { return log.With(slog.String("from", "http")) }

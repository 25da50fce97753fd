package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/clientele/clientele/internal/blob"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/file"
	"github.com/clientele/clientele/internal/product"
)

// storeTime is how long the store may take to be tried out at the start.
const storeTime = 15 * time.Second

// noScan is what made-up data asks for where nothing else is said.
func (f *fileFlags) noScan() {
	if f.Command == "" && f.Clamd == "" {
		f.Scan = "none"
	}
}

// open opens the store and tries it out, and finds who scans. db says which folder is the program's, key is that of
// cursors. nil: on a database of one's own, nothing says where files go, and the program's folder takes none.
func (f *fileFlags) open(ctx context.Context, db *databaseFlags, key []byte, log *slog.Logger) (*product.Files, error) {
	out := &product.Files{Key: key, NoScan: f.Scan == "none", Font: f.Font, Temp: f.Temp, Limits: file.Limits{Size: f.MaxSize}}
	if f.MaxSize < 1 {
		return nil, &trouble{
			message: fault.Text{ZH: "--files-max-size 须大于 0", EN: "--files-max-size has to be more than 0"},
			remedy:  fault.Text{ZH: "以字节为单位，例如 52428800", EN: "it is in bytes, for example 52428800"},
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	out.Workshop = []string{self, "workshop"}
	if out.Scanner, err = f.scanner(ctx); err != nil {
		return nil, err
	}
	if out.Scanner == nil && !out.NoScan {
		log.Warn("no scanner is configured: uploaded files stay in quarantine and are served to nobody; set CLIENTELE_CLAMD or CLIENTELE_SCAN_COMMAND, or say --scan none")
	}
	if err := file.CheckFont(f.Font); err != nil {
		return nil, &trouble{
			message: fault.Text{ZH: "水印字体无法使用：" + err.Error(), EN: "the font for watermarks cannot be used: " + err.Error()},
			remedy:  fault.Text{ZH: "请指定含中文字符的 TrueType 字体（例如 Debian 的 fonts-droid-fallback）", EN: "name a TrueType font with Chinese characters, for example that of Debian's fonts-droid-fallback"}, cause: err,
		}
	}
	if out.Store, err = f.store(ctx, db.Data); err != nil {
		if db.DatabaseURL != "" && f.Dir == "" && f.Endpoint == "" && f.Bucket == "" {
			log.Warn("no files can be uploaded: set CLIENTELE_FILES_DIR or CLIENTELE_FILES_S3_ENDPOINT", slog.Any("error", err))
			return nil, nil
		}
		return nil, err
	}
	return out, f.checkTemp()
}

// checkTemp makes sure that copies can be made somewhere: a container may have no such folder.
func (f *fileFlags) checkTemp() error {
	dir, err := os.MkdirTemp(f.Temp, "clientele-check-")
	if err == nil {
		return os.Remove(dir)
	}
	return &trouble{
		message: fault.Text{ZH: "临时目录无法使用：" + err.Error(), EN: "the folder of copies in the making cannot be used: " + err.Error()},
		remedy:  fault.Text{ZH: "请用 --files-temp 指定可写的目录，宜在内存盘或临时盘上", EN: "name a folder with --files-temp that can be written to, best on a disk that does not last"}, cause: err,
	}
}

// scanner is nil where none is configured.
func (f *fileFlags) scanner(ctx context.Context) (file.Scanner, error) {
	switch {
	case f.Scan == "none" && (f.Clamd != "" || f.Command != ""), f.Clamd != "" && f.Command != "":
		return nil, &trouble{
			message: fault.Text{ZH: "--clamd、--scan-command 与 --scan none 只能选其一", EN: "only one of --clamd, --scan-command and --scan none can be meant"},
			remedy:  fault.Text{ZH: "请去掉多余的设置", EN: "take the others away"},
		}
	case f.Command != "":
		return file.Command{Args: strings.Fields(f.Command)}, nil
	case f.Clamd == "":
		return nil, nil
	}
	c := file.Clamd{Address: f.Clamd}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	if err := c.Ping(ctx); err != nil {
		return nil, &trouble{
			message: fault.Text{ZH: "clamd 没有应答：" + err.Error(), EN: "clamd does not answer: " + err.Error()},
			remedy:  fault.Text{ZH: "请检查 --clamd 的地址与 clamd 的运行状态", EN: "check the address given by --clamd, and that clamd runs"}, cause: err,
		}
	}
	return c, nil
}

// store opens the bucket, or the folder, and writes and reads in it.
func (f *fileFlags) store(ctx context.Context, data string) (blob.Store, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	if f.Endpoint != "" || f.Bucket != "" {
		if f.Dir != "" {
			return nil, &trouble{
				message: fault.Text{ZH: "--files-dir 与 --files-s3-endpoint 只能选其一", EN: "only one of --files-dir and --files-s3-endpoint can be meant"},
				remedy:  fault.Text{ZH: "请去掉其中之一", EN: "take one of them away"},
			}
		}
		s, err := blob.OpenS3(blob.S3Config{Endpoint: f.Endpoint, Region: f.Region, Bucket: f.Bucket, AccessKey: f.AccessKey, SecretKey: f.SecretKey, Prefix: f.Prefix})
		if err == nil {
			err = s.Check(ctx)
		}
		if err != nil {
			return nil, &trouble{
				message: fault.Text{ZH: "S3 存储无法使用：" + err.Error(), EN: "the S3 store cannot be used: " + err.Error()},
				remedy:  fault.Text{ZH: "请检查 --files-s3-* 各项；存储桶须已存在，密钥须可读、写、删，且存储须支持 If-None-Match 条件写入", EN: "check the --files-s3-… settings; the bucket has to exist, the key to read, write and delete, and the store to heed If-None-Match when writing"}, cause: err,
			}
		}
		return s, nil
	}
	dir := f.Dir
	if dir == "" {
		dir = filepath.Join(data, "files")
	}
	s, err := blob.OpenFolder(dir)
	if err == nil {
		if err = s.Check(ctx); err == nil {
			return s, nil
		}
		_ = s.Close()
	}
	remedy := fault.Text{ZH: "请用 --files-dir 指定可写、支持硬链接的目录", EN: "name a folder with --files-dir that can be written to and knows hard links"}
	if errors.Is(err, blob.ErrFull) {
		remedy = fault.Text{ZH: "请腾出磁盘空间", EN: "make room on the disk"}
	} else if errors.Is(err, fs.ErrPermission) {
		remedy = fault.Text{ZH: "请让运行本程序的用户拥有该目录，或用 --files-dir 另行指定", EN: "give the folder to the user that runs this program, or name another one with --files-dir"}
	}
	return nil, &trouble{message: fault.Text{ZH: "文件目录 " + dir + " 无法使用：" + err.Error(), EN: "the folder of files " + dir + " cannot be used: " + err.Error()}, remedy: remedy, cause: err}
}

// workshopCommand is this program as the one that takes strangers' files apart.
type workshopCommand struct{}

func (workshopCommand) Run(p *program) error { return file.RunWorkshop(os.Stdin, p.stdout) }

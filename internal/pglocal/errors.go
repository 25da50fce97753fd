package pglocal

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// Code is the stable name of a failure. errors.Is(err, CodeInUse) asks for one.
type Code string

// The closed set of failures.
const (
	CodeNoBinaries    Code = "PG_NOT_INSTALLED"    // no server found
	CodeTooOld        Code = "PG_TOO_OLD"          // only servers older than minMajor found
	CodeVersion       Code = "PG_OTHER_VERSION"    // the data belongs to a major version that is not installed
	CodeSetting       Code = "PG_SETTING_REFUSED"  // a setting that callers may not set
	CodeFolderMissing Code = "PG_NO_FOLDER"        // Options.Dir is empty
	CodeForeignFolder Code = "PG_FOREIGN_FOLDER"   // the folder holds something else
	CodeOwner         Code = "PG_FOLDER_OWNER"     // the folder, or the data in it, belongs to another account
	CodeDenied        Code = "PG_FOLDER_DENIED"    // no right to read or write the folder
	CodeReadOnly      Code = "PG_FOLDER_READ_ONLY" // the file system is mounted read-only
	CodeDiskFull      Code = "PG_DISK_FULL"        // no space, or no quota, left
	CodeFolder        Code = "PG_FOLDER"           // any other trouble with the folder
	CodeInUse         Code = "PG_FOLDER_IN_USE"    // another program runs a server in the folder
	CodeStillRunning  Code = "PG_STILL_RUNNING"    // the server of a killed program does not end
	CodeAccount       Code = "PG_ACCOUNT"          // no account that the server can run as
	CodeLocale        Code = "PG_LOCALE"           // the cluster cannot tell Chinese letters
	CodeNotStarted    Code = "PG_NOT_STARTED"      // the server or initdb ended with an error
	CodeTimeout       Code = "PG_TIMEOUT"          // the server did not answer in time
	CodeEnded         Code = "PG_ENDED"            // the server ended otherwise than by a clean stop
)

// Error makes a Code a target of errors.Is.
func (c Code) Error() string { return string(c) }

// Error is what every function of this package returns when it fails: what happened and what to do about it, in
// zh-CN and in en.
type Error struct {
	Code               Code
	ZH, EN             string
	RemedyZH, RemedyEN string
	Cause              error // may be nil
}

// Error is the English text with its remedy and cause.
func (e *Error) Error() string {
	text := e.EN + "; " + e.RemedyEN
	if e.Cause != nil {
		text += " (" + e.Cause.Error() + ")"
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is matches the error's Code.
func (e *Error) Is(target error) bool { return target == error(e.Code) }

// message is the wording of a code. The same arguments go to all four texts, by index.
type message struct{ zh, en, remedyZH, remedyEN string }

func wording(code Code) message {
	switch code {
	case CodeNoBinaries:
		return message{
			"没有找到 PostgreSQL", "PostgreSQL is not installed",
			"安装命令：apt-get install postgresql（Debian、Ubuntu），dnf install postgresql-server postgresql-contrib（Fedora、RHEL），brew install postgresql@16（macOS）",
			"install it: apt-get install postgresql (Debian, Ubuntu), dnf install postgresql-server postgresql-contrib (Fedora, RHEL), brew install postgresql@16 (macOS)",
		}
	case CodeTooOld:
		return message{
			"已安装的 PostgreSQL 版本过低：%[1]s", "the installed PostgreSQL is too old: %[1]s",
			"请安装 %[2]d 或更高版本：apt-get install postgresql", "install version %[2]d or newer: apt-get install postgresql",
		}
	case CodeVersion:
		return message{
			"数据由 PostgreSQL %[1]d 建立，而该版本未安装", "the data was made by PostgreSQL %[1]d, which is not installed",
			"请安装该版本（apt-get install postgresql-%[1]d），或用 pg_upgrade 升级数据",
			"install that version (apt-get install postgresql-%[1]d), or upgrade the data with pg_upgrade",
		}
	case CodeSetting:
		return message{
			"不允许设置 %[1]q", "the setting %[1]q cannot be set here",
			"请删除该设置；需要完全控制时请使用自己的 PostgreSQL（CLIENTELE_DATABASE_URL）",
			"remove it; for full control use a PostgreSQL of your own (CLIENTELE_DATABASE_URL)",
		}
	case CodeFolderMissing:
		return message{"没有指定数据目录", "no data folder was given", "请用 --data 指定", "name one with --data"}
	case CodeForeignFolder:
		return message{
			"目录 %[1]s 中有其他文件", "the folder %[1]s holds other files",
			"请用 --data 指定空目录或新目录", "name an empty or a new folder with --data",
		}
	case CodeOwner:
		return message{
			"%[1]s 属于用户 %[2]d，而不是 %[3]d", "%[1]s belongs to the user %[2]d, not to %[3]d",
			"请以该用户运行，或用 chown -R %[3]d 移交，或用 --data 指定另一目录",
			"run as that user, hand it over with chown -R %[3]d, or name another folder with --data",
		}
	case CodeDenied:
		return message{
			"没有读写 %[1]s 的权限", "%[1]s may not be read or written by this account",
			"请用 --data 指定有写权限的目录", "name a folder that this account can write with --data",
		}
	case CodeReadOnly:
		return message{
			"%[1]s 所在文件系统为只读", "%[1]s is on a read-only file system",
			"请用 --data 指定可写的目录", "name a writable folder with --data",
		}
	case CodeDiskFull:
		return message{
			"%[1]s 所在磁盘空间不足", "the disk of %[1]s is full",
			"请腾出空间（至少 100 MB），或用 --data 指定另一磁盘上的目录",
			"free some space (100 MB at least), or name a folder on another disk with --data",
		}
	case CodeFolder:
		return message{"目录 %[1]s 无法使用", "the folder %[1]s cannot be used", "请用 --data 指定另一目录", "name another folder with --data"}
	case CodeInUse:
		return message{
			"数据目录 %[1]s 正被另一个程序使用（进程 %[2]s）", "the data folder %[1]s is in use by another program (process %[2]s)",
			"请先停止该程序，或用 --data 指定另一目录", "stop that program first, or name another folder with --data",
		}
	case CodeStillRunning:
		return message{
			"上一次运行的 PostgreSQL 仍未结束（进程 %[1]v）", "the PostgreSQL of an earlier run has not ended (processes %[1]v)",
			"请结束这些进程后重试", "end these processes and try again",
		}
	case CodeAccount:
		return message{
			"没有可以运行 PostgreSQL 的账户（PostgreSQL 拒绝以 root 运行）", "there is no account that PostgreSQL can run as (it refuses root)",
			"请以普通用户运行，或创建账户：useradd --system postgres", "run as an ordinary user, or make an account: useradd --system postgres",
		}
	case CodeLocale:
		return message{
			"该数据库无法识别中文字符（区域设置不是 C.UTF-8）", "this cluster cannot tell Chinese letters (its locale is not C.UTF-8)",
			"请确认系统提供 C.UTF-8（locale -a），并用 --data 指定新目录", "see that the system offers C.UTF-8 (locale -a) and name a new folder with --data",
		}
	case CodeNotStarted:
		return message{
			"PostgreSQL 未能启动：%[1]s", "PostgreSQL did not start: %[1]s",
			"请查看数据目录 %[2]s 中的 log 文件", "see the file named log in the data folder %[2]s",
		}
	case CodeTimeout:
		return message{
			"PostgreSQL 未能及时应答", "PostgreSQL did not answer in time",
			"请查看数据目录 %[1]s 中的 log 文件，然后重试", "see the file named log in the data folder %[1]s, then try again",
		}
	default: // CodeEnded
		return message{
			"PostgreSQL 异常结束", "PostgreSQL ended by itself or by force",
			"已提交的数据不受影响，请重新启动", "what was committed is safe; start again",
		}
	}
}

func fail(code Code, cause error, args ...any) *Error {
	m := wording(code)
	put := func(format string) string {
		if !strings.Contains(format, "%[") {
			return format // Sprintf would complain about arguments that this text does not use
		}
		return strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")
	}
	return &Error{Code: code, ZH: put(m.zh), EN: put(m.en), RemedyZH: put(m.remedyZH), RemedyEN: put(m.remedyEN), Cause: cause}
}

// failPath names the failure of a call to the system on a path.
func failPath(path string, err error) *Error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fail(CodeDiskFull, err, path)
	case errors.Is(err, syscall.EROFS):
		return fail(CodeReadOnly, err, path)
	case errors.Is(err, os.ErrPermission):
		return fail(CodeDenied, err, path)
	}
	return fail(CodeFolder, err, path)
}

// failOutput names the failure that the server or initdb wrote about before it ended. Their words are English,
// because both run with messages in the C locale.
func failOutput(path, output string, cause error) *Error {
	for _, known := range []struct {
		words string
		code  Code
	}{
		{"No space left on device", CodeDiskFull},
		{"Disk quota exceeded", CodeDiskFull},
		{"Read-only file system", CodeReadOnly},
		{"invalid locale name", CodeLocale},
		{"could not look up effective user ID", CodeAccount},
		{"Permission denied", CodeDenied},
	} {
		if strings.Contains(output, known.words) {
			return fail(known.code, errors.Join(cause, errors.New(lastLine(output))), path)
		}
	}
	return fail(CodeNotStarted, cause, lastLine(output), path)
}

// lastLine is the line that tells most: the last one with an error in it, or else the last one.
func lastLine(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.Contains(lines[i], "FATAL") || strings.Contains(lines[i], "PANIC") || strings.Contains(lines[i], "error:") {
			return lines[i]
		}
	}
	return lines[len(lines)-1]
}

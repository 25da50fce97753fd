package pglocal

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// serverAccount is the account that the server changes to: none for an ordinary user, "postgres" for root, which
// PostgreSQL refuses. SECURITY: never "nobody", whose processes belong to whoever else uses that account.
func serverAccount() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	if !descriptorPaths() {
		return nil, fail(CodeAccount, nil)
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fail(CodeAccount, err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fail(CodeAccount, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fail(CodeAccount, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// ownerID is the user id that the data must belong to.
func ownerID(account *syscall.Credential) int {
	if account != nil {
		return int(account.Uid)
	}
	return os.Geteuid()
}

// give makes path the server's.
func give(path string, account *syscall.Credential) error {
	if account == nil {
		return nil
	}
	return os.Lchown(path, int(account.Uid), int(account.Gid))
}

// owner is the user id of a file.
func owner(info os.FileInfo) int {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid)
	}
	return -1
}

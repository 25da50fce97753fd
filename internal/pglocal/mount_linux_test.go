package pglocal_test

import "syscall"

// mountMemory mounts a memory disk over dir, in the mount namespace that the program has to itself; after are flags
// to mount it with again, once it is there.
func mountMemory(dir, options string, after uintptr) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		return err
	}
	if after == 0 {
		return nil
	}
	return syscall.Mount("", dir, "", syscall.MS_REMOUNT|after, "")
}

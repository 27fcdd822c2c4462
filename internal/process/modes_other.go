//go:build !linux

package process

import "golang.org/x/sys/unix"

// What gets a terminal's modes, and what sets them at once.
const (
	getModes = unix.TIOCGETA
	putModes = unix.TIOCSETA
)

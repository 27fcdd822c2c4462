package projection

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"syscall"

	"github.com/escenv/escenv/internal/proc"
)

// ended reports whether name is that of an owner of this system's processes
// that is no more. Names that are not ours are nobody's.
func ended(name string) bool {
	number, began, ok := strings.Cut(name, ".")
	pid, err := strconv.Atoi(number)
	if !ok || err != nil || pid <= 0 || !proc.Visible(began) {
		return false
	}
	now, err := proc.Started(pid)
	if err != nil { // we may just be out of descriptors
		return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
	}
	return now != began
}

package projection

import (
	"strconv"
	"strings"
)

// ended reports whether name is that of an owner of this system's processes
// that is no more. Names that are not ours are nobody's.
func ended(name string) bool {
	number, began, ok := strings.Cut(name, ".")
	pid, err := strconv.Atoi(number)
	if !ok || err != nil || pid <= 0 || !ours(began) {
		return false
	}
	now, err := startOf(pid)
	return err != nil || now != began
}

// Package headroom makes the main goroutine's stack large enough for all that a
// prompt waits for. It is imported for that alone.
//
// A stack begins with 2 KiB. Whenever it is full it is copied into one of twice
// the size, for which the runtime looks up every function on it and touches
// memory that was never used: starting up and entering a directory would do that
// two or three times and spend a tenth of their time on it. Here it happens once, while
// next to nothing is on the stack: a package that imports nothing is initialized
// before those that do.
package headroom

// room is what the stack is to have, in bytes. It then gets memory of its own
// and not a part of what is divided among small stacks.
const room = 20 << 10

var _ = reserve(false)

// reserve needs room on the stack to be called, and touches it only if it is to
// be used.
//
//go:noinline
func reserve(used bool) byte {
	if !used {
		return 0
	}
	var all [room]byte
	return last(&all)
}

//go:noinline
func last(all *[room]byte) byte { return all[room-1] }

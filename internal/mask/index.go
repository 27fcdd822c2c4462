package mask

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math/bits"
	"slices"
	"sort"
	"strings"
)

// An index finds needles. It looks at the last three bytes of the next window,
// which is as long as the shortest needle but at most Shortest: mostly no needle
// has those three among its first, and all but two bytes of the window cannot be
// the start of one (Wu and Manber, 1994). What remains is compared.
type index struct {
	names  map[string]string   // every needle, and its name
	sorted []string            // every needle
	window int                 // in bytes, at least 3
	starts map[uint64][]string // by the bytes of their first window, longest first
	far    uint8               // how far the next window is if its last three bytes are no needle's
	// By a hash of three bytes: how much nearer it is, and whether a needle begins
	// with them.
	near  []uint8
	begun []bool
	shift int // of the hash
}

// A hash has from 10 bits, for a few needles, to 16: tables that fit a
// processor's cache are fast, and full ones are not.
const minBits, maxBits = 10, 16

// newIndex returns the index of needles, which it keeps. There is one at least.
func newIndex(needles map[string]string) *index {
	x := &index{names: needles, sorted: slices.Sorted(maps.Keys(needles)), window: Shortest, starts: map[uint64][]string{}}
	for _, needle := range x.sorted {
		x.window = min(x.window, len(needle))
	}
	x.far = uint8(x.window - 2)
	bits := min(max(minBits, bits.Len(uint(16*x.window*len(needles)))), maxBits)
	x.near, x.begun, x.shift = make([]uint8, 1<<bits), make([]bool, 1<<bits), 32-bits
	for _, needle := range x.sorted {
		b := []byte(needle[:x.window])
		x.begun[hash(b, x.shift)] = true
		x.starts[x.key(b)] = append(x.starts[x.key(b)], needle)
		for i := range b[2:] {
			near := &x.near[hash(b[i:], x.shift)]
			*near = max(*near, 1+uint8(i))
		}
	}
	for _, same := range x.starts {
		slices.SortFunc(same, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	}
	return x
}

// key tells windows apart. b may go on behind one.
func (x *index) key(b []byte) (key uint64) {
	if x.window == Shortest {
		return binary.LittleEndian.Uint64(b)
	}
	for i, c := range b[:x.window] {
		key |= uint64(c) << (8 * i)
	}
	return key
}

// hash returns a hash of three bytes, of 32 bits but shift.
func hash(b []byte, shift int) uint32 {
	v := uint32(binary.LittleEndian.Uint16(b)) | uint32(b[2])<<16
	return v * 0x9E3779B1 >> (shift & 31)
}

// next returns the first position from at on where a needle begins, or may
// begin if b goes on; len(b) if there is none.
func (x *index) next(b []byte, at int) int {
	for at+x.window <= len(b) {
		at = x.leap(b, at)
		if at+x.window > len(b) {
			break
		}
		if x.starts[x.key(b[at:])] != nil {
			return at
		}
		at++
	}
	for ; at < len(b); at++ {
		if x.begins(b[at:]) {
			return at
		}
	}
	return len(b)
}

// leap returns the first position from at on where a needle may begin, as far
// as three bytes tell; if there is none, the first whose window is not all of b's.
// Almost always a window is none's, and the processor counts on that: it is at
// the next ones before it knows about the first.
func (x *index) leap(b []byte, at int) int {
	near, far, shift := x.near, int(x.far), x.shift
	end := at + x.window
	for end <= len(b) {
		nearer := int(near[hash(b[end-3:end], shift)])
		if nearer == far {
			break
		}
		if nearer == 0 {
			end += far
			continue
		}
		end += far - nearer
	}
	return end - x.window
}

// begins reports whether a needle begins with b.
func (x *index) begins(b []byte) bool {
	if len(b) >= 3 && !x.begun[hash(b, x.shift)] {
		return false
	}
	i := x.search(b)
	return i < len(x.sorted) && strings.HasPrefix(x.sorted[i], string(b))
}

func (x *index) search(b []byte) int {
	return sort.Search(len(x.sorted), func(i int) bool { return x.sorted[i] >= string(b) })
}

// shortest returns the length of the shortest needle that begins with b.
func (x *index) shortest(b []byte) int {
	least := 0
	for i := x.search(b); i < len(x.sorted) && strings.HasPrefix(x.sorted[i], string(b)); i++ {
		if least == 0 || len(x.sorted[i]) < least {
			least = len(x.sorted[i])
		}
	}
	return least
}

// match returns the longest needle that b begins with, nothing if there is
// none, and whether a longer one begins with all of b.
func (x *index) match(b []byte) (found string, open bool) {
	if len(b) < x.window {
		return "", x.begins(b)
	}
	for _, needle := range x.starts[x.key(b)] {
		switch {
		case len(needle) > len(b):
			open = open || needle[:len(b)] == string(b)
		case string(b[:len(needle)]) == needle:
			return needle, open
		}
	}
	return "", open
}

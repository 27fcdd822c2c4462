package mask

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sort"
	"strings"
)

// An index finds needles, all of which are at least Shortest long. It looks at
// the last three of the next Shortest bytes: mostly no needle has those three
// among its first Shortest bytes, and six bytes at once cannot be the start of
// one (Wu and Manber, 1994). What remains is compared.
type index struct {
	sorted []string              // every needle
	starts map[uint64][]string   // by their first Shortest bytes, longest first
	shift  [1 << shiftBits]uint8 // how far, by a hash of three bytes
	pairs  [1 << 16]bool         // the first two bytes of needles
}

const (
	shiftBits = 16
	farthest  = Shortest - 2 // no three bytes of a needle: this far at once
)

// newIndex returns the index of needles, which are sorted.
func newIndex(needles []string) *index {
	x := &index{sorted: needles, starts: map[uint64][]string{}}
	for i := range x.shift {
		x.shift[i] = farthest
	}
	for _, needle := range needles {
		b := []byte(needle[:Shortest])
		x.pairs[pair(b)] = true
		key := binary.LittleEndian.Uint64(b)
		x.starts[key] = append(x.starts[key], needle)
		for i, far := 0, uint8(farthest-1); i < farthest; i, far = i+1, far-1 {
			slot := &x.shift[hash3(b[i:])]
			*slot = min(*slot, far)
		}
	}
	for _, same := range x.starts {
		slices.SortFunc(same, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	}
	return x
}

func hash3(b []byte) uint32 {
	_ = b[2]
	v := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
	return v * 0x9E3779B1 >> (32 - shiftBits)
}

func pair(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }

// next returns the first position from at on where a needle begins, or may
// begin if b goes on; len(b) if there is none.
func (x *index) next(b []byte, at int) int {
	for at+Shortest <= len(b) {
		window := b[at : at+Shortest]
		skip := int(x.shift[hash3(window[Shortest-3:])])
		if skip == 0 {
			if x.starts[binary.LittleEndian.Uint64(window)] != nil {
				return at
			}
			skip = 1
		}
		at += skip
	}
	for ; at < len(b); at++ {
		if x.begins(b[at:]) {
			return at
		}
	}
	return len(b)
}

// begins reports whether a needle begins with b.
func (x *index) begins(b []byte) bool {
	if len(b) >= 2 && !x.pairs[pair(b)] {
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

// match returns the length of the longest needle that b begins with, 0 if
// there is none, and whether a longer one begins with all of b.
func (x *index) match(b []byte) (n int, open bool) {
	if len(b) < Shortest {
		return 0, x.begins(b)
	}
	for _, needle := range x.starts[binary.LittleEndian.Uint64(b)] {
		switch {
		case len(needle) > len(b):
			open = open || needle[:len(b)] == string(b)
		case string(b[:len(needle)]) == needle:
			return len(needle), open
		}
	}
	return 0, open
}

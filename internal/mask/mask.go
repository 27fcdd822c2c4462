// Package mask keeps secrets out of a byte stream.
//
// Every byte that belongs to an occurrence of a secret, in any of the forms in
// which programs print one, is gone from what a Writer passes on; a run of
// occurrences that overlap becomes one Replacement. Every other byte passes
// unchanged, whatever pieces the stream is written in, and nothing is held
// back but what may still become a secret.
//
// It guards against accidents. A program that means to print a secret can
// always write it in a way no masker knows.
package mask

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Replacement stands where a secret was.
const Replacement = "[secret]"

// Shortest is the length in bytes of the shortest secret that is masked: a
// shorter one would take too much innocent text with it.
const Shortest = 8

// A Set holds the secrets that Writers mask. It may be shared and added to
// while they write.
type Set struct {
	mu      sync.Mutex
	needles map[string]bool
	index   atomic.Pointer[index]
}

// NewSet returns a Set of the secrets.
func NewSet(secrets ...string) *Set {
	s := &Set{needles: map[string]bool{}}
	s.Add(secrets...)
	return s
}

// Add masks these secrets too from now on. Those that are too short or too
// ordinary to be told from innocent text are passed over.
func (s *Set) Add(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		for _, form := range forms(secret) {
			s.needles[form] = true
		}
	}
	s.index.Store(newIndex(slices.Sorted(maps.Keys(s.needles))))
}

// Empty reports whether there is nothing to mask.
func (s *Set) Empty() bool { return len(s.index.Load().sorted) == 0 }

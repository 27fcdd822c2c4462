// Package mask keeps secrets out of a byte stream.
//
// Every byte that belongs to an occurrence of a secret, in any of the forms in
// which programs print one, is gone from what a Writer passes on; a run of
// occurrences that overlap becomes one replacement. Every other byte passes
// unchanged, whatever pieces the stream is written in, and nothing is held
// back but what may still become a secret.
//
// It guards against accidents. A program that means to print a secret can
// always write it in a way no masker knows.
package mask

import (
	"cmp"
	"maps"
	"sync"
	"sync/atomic"
)

// Replacement stands where a secret was, unless there is another Style.
const Replacement = "[secret]"

// Lengths in bytes. A secret shorter than Shortest would take too much innocent
// text with it, so it is masked only if it is marked, and one shorter than
// ShortestMarked never.
const (
	Shortest       = 8
	ShortestMarked = 3
)

// A Style says what stands where a secret was.
type Style int

// The styles.
const (
	Plain Style = iota // Replacement
	Named              // "[secret NAME]" if the secret has a name, Replacement if not
	Width              // one * for each character, so that what a program has aligned stays so
)

// A Secret is what is to be masked.
type Secret struct {
	Text   string
	Name   string // what Named calls it, the variable perhaps; may be empty
	Marked bool   // the user wants it masked, however short or ordinary it is
}

// Maskable reports whether a Set masks the secret, rather than pass it over as
// too short or too ordinary to be told from innocent text.
func (s Secret) Maskable() bool { return maskable(tidy(s.Text), s.Marked) }

// A Set holds the secrets that Writers mask. It may be shared and added to
// while they write.
type Set struct {
	Style Style // set before anybody writes

	adding sync.Mutex
	added  []Secret              // that the index does not have yet
	stale  atomic.Bool           // there are some
	index  atomic.Pointer[index] // nil at first
}

// NewSet returns a Set of the secrets.
func NewSet(secrets ...string) *Set {
	s := &Set{}
	s.Add(secrets...)
	return s
}

// Add masks these secrets too from now on. Those that are too short or too
// ordinary to be told from innocent text are passed over.
func (s *Set) Add(secrets ...string) {
	plain := make([]Secret, len(secrets))
	for i, text := range secrets {
		plain[i].Text = text
	}
	s.AddSecrets(plain...)
}

// AddSecrets is Add for secrets that have names or marks. Of several names of
// one secret the first counts.
func (s *Set) AddSecrets(secrets ...Secret) {
	s.adding.Lock()
	defer s.adding.Unlock()
	for _, secret := range secrets {
		if secret.Maskable() {
			s.added = append(s.added, secret)
			s.stale.Store(true)
		}
	}
}

// Empty reports whether there is nothing to mask.
func (s *Set) Empty() bool { return s.index.Load() == nil && !s.stale.Load() }

// look returns the index of all secrets, nil if there are none. It is made when
// somebody first looks: many commands write nothing, and begin sooner.
func (s *Set) look() *index {
	if s.stale.Load() {
		s.update()
	}
	return s.index.Load()
}

func (s *Set) update() {
	s.adding.Lock()
	defer s.adding.Unlock()
	if !s.stale.Load() {
		return // somebody else was faster
	}
	needles := map[string]string{} // and their names
	if x := s.index.Load(); x != nil {
		maps.Copy(needles, x.names)
	}
	for _, secret := range s.added {
		for _, form := range forms(secret.Text, secret.Marked) {
			needles[form] = cmp.Or(needles[form], secret.Name)
		}
	}
	s.index.Store(newIndex(needles))
	s.added = nil
	s.stale.Store(false)
}

package eval

import (
	"cmp"
	"slices"

	"github.com/escenv/escenv/internal/esc"
)

// leases are the fn::open that a value rests on: bit i stands for the one
// that a run opened as number i. They do not change, so values that rest on
// the same share them; nil is none.
type leases struct{ bits []uint64 }

// lease returns the set of one.
func lease(i int) *leases {
	l := &leases{make([]uint64, i/64+1)}
	l.bits[i/64] = 1 << (i % 64)
	return l
}

// with returns the union of two sets.
func (l *leases) with(m *leases) *leases {
	switch {
	case m == nil || l == m || l != nil && l.covers(m):
		return l
	case l == nil || m.covers(l):
		return m
	}
	if len(l.bits) < len(m.bits) {
		l, m = m, l
	}
	both := slices.Clone(l.bits)
	for i, word := range m.bits {
		both[i] |= word
	}
	return &leases{both}
}

func (l *leases) covers(m *leases) bool {
	if len(l.bits) < len(m.bits) {
		return false
	}
	for i, word := range m.bits {
		if word&^l.bits[i] != 0 {
			return false
		}
	}
	return true
}

func (l *leases) has(i int) bool {
	return l != nil && i/64 < len(l.bits) && l.bits[i/64]&(1<<(i%64)) != 0
}

// list returns the leases in a set, of which all are numbered.
func (l *leases) list(all []esc.Lease) []esc.Lease {
	var out []esc.Lease
	for i := range all {
		if l.has(i) {
			out = append(out, all[i])
		}
	}
	slices.SortStableFunc(out, func(a, b esc.Lease) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// A ledger collects the leases of an environment, each once.
type ledger struct {
	leases []esc.Lease
	at     map[esc.Lease]int
}

// enter adds what is not there yet and returns where all of it is.
func (l *ledger) enter(leases []esc.Lease) []int {
	if l.at == nil {
		l.at = map[esc.Lease]int{}
	}
	var out []int
	for _, one := range leases {
		i, known := l.at[one]
		if !known {
			i = len(l.leases)
			l.at[one], l.leases = i, append(l.leases, one)
		}
		out = append(out, i)
	}
	slices.Sort(out)
	return out
}

// fill gives env its leases, and when the first of them ends and is due.
func (l *ledger) fill(env *esc.Environment) {
	env.Leases = l.leases
	for _, one := range l.leases {
		env.Expires, env.Renew = earliest(env.Expires, one.Expires), earliest(env.Renew, one.Renew)
	}
}

// pick returns the leases of env at indices.
func pick(env *esc.Environment, indices []int) []esc.Lease {
	var out []esc.Lease
	for _, i := range indices {
		out = append(out, env.Leases[i])
	}
	return out
}

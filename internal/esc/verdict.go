package esc

// A Verdict is what the user decided about a .escenv.
type Verdict int

// The verdicts.
const (
	Undecided Verdict = iota // nothing, or about other content
	Allowed
	Denied
)

// String returns the verdict in a word.
func (v Verdict) String() string { return [...]string{"not allowed", "allowed", "denied"}[v] }

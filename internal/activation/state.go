package activation

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// A state is what one shell remembers between two runs of escenv, in a shell
// variable that no child inherits. It holds no values: what variables were
// before is kept by the shell itself, what escenv set only as a salted hash.
type state struct {
	salt     string
	path     string // the file that is loaded, as the shell calls it
	digest   string // its digest when it was loaded
	name     string // the environment's name; empty if nothing is loaded
	expires  time.Time
	failures int      // in a row, to open path with digest
	quiet    bool     // nobody wants to hear of it
	files    bool     // it has files
	said     []string // what was said and need not be again
	vars     []variable
}

// A variable is one that escenv changed in this shell.
type variable struct {
	name     string
	exported bool   // whether it was exported before
	hash     string // of what escenv set; one of the two below otherwise
}

const (
	hashUnset   = "unset"   // escenv removed the variable
	hashYielded = "yielded" // the user has changed it since: theirs
)

const (
	stateVersion = "escenv2"
	stateWords   = 10 // before the variables
	maxState     = 256 << 10

	// More than most are, in bytes: what grows by and by costs a prompt more.
	usualState = 2 << 10
	usualValue = 1 << 10
	maxSaid    = 16
)

// hash tells whether a value is the one escenv set, and cannot be turned back
// into it.
func (s *state) hash(name, value string) string {
	text := make([]byte, 0, usualValue)
	for _, part := range [...]string{s.salt, "\x00", name, "\x00", value} {
		text = append(text, part...)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// holds reports whether v is still as escenv left it.
func (s *state) holds(v variable, value string, set bool) bool {
	if v.hash == hashUnset {
		return !set
	}
	return set && v.hash == s.hash(v.name, value)
}

// find returns the variable of that name.
func (s *state) find(name string) (variable, bool) {
	i := slices.IndexFunc(s.vars, func(v variable) bool { return v.name == name })
	if i < 0 {
		return variable{}, false
	}
	return s.vars[i], true
}

// sayOnce reports whether something about the file at path is still unsaid,
// and remembers it as said.
func (s *state) sayOnce(path, what string) bool {
	key := short(path) + short(what)
	if slices.Contains(s.said, key) {
		return false
	}
	s.said = append(s.said, key)
	s.said = s.said[max(0, len(s.said)-maxSaid):]
	return true
}

// forgetSaid lets everything about path be said again.
func (s *state) forgetSaid(path string) {
	s.said = slices.DeleteFunc(s.said, func(key string) bool { return strings.HasPrefix(key, short(path)) })
}

func short(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// String encodes s as one line of printable ASCII.
func (s *state) String() string {
	expires := ""
	if !s.expires.IsZero() {
		expires = strconv.FormatInt(s.expires.Unix(), 10)
	}
	var b strings.Builder
	b.Grow(usualState)
	for _, word := range [...]string{
		stateVersion, s.salt, s.path, s.digest, s.name, expires, strconv.Itoa(s.failures),
		strconv.FormatBool(s.quiet), strconv.FormatBool(s.files), strings.Join(s.said, ","),
	} {
		writeQuoted(&b, word)
	}
	for _, v := range s.vars {
		writeQuoted(&b, v.name)
		writeQuoted(&b, strconv.FormatBool(v.exported))
		writeQuoted(&b, v.hash)
	}
	return b.String()
}

// writeQuoted writes one more word. Nearly all are plain, and a prompt waits.
func writeQuoted(b *strings.Builder, word string) {
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	isOdd := func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }
	if strings.IndexFunc(word, isOdd) >= 0 {
		b.WriteString(strconv.QuoteToASCII(word))
		return
	}
	b.WriteByte('"')
	b.WriteString(word)
	b.WriteByte('"')
}

// parseState decodes what String wrote. ok is false for anything else.
func parseState(text string) (s *state, ok bool) {
	words, ok := unquote(text)
	if !ok || len(words) < stateWords || words[0] != stateVersion || (len(words)-stateWords)%3 != 0 {
		return nil, false
	}
	s = &state{salt: words[1], path: words[2], digest: words[3], name: words[4]}
	if words[5] != "" {
		seconds, err := strconv.ParseInt(words[5], 10, 64)
		if err != nil {
			return nil, false
		}
		s.expires = time.Unix(seconds, 0)
	}
	var err error
	if s.failures, err = strconv.Atoi(words[6]); err != nil || s.failures < 0 {
		return nil, false
	}
	s.quiet, s.files = words[7] == "true", words[8] == "true"
	if words[9] != "" {
		s.said = strings.Split(words[9], ",")
	}
	for v := range slices.Chunk(words[stateWords:], 3) {
		if !esc.IsVariableName(v[0]) {
			return nil, false
		}
		s.vars = append(s.vars, variable{v[0], v[1] == "true", v[2]})
	}
	return s, true
}

// unquote splits text into its quoted words.
func unquote(text string) (words []string, ok bool) {
	if len(text) > maxState {
		return nil, false
	}
	for text != "" {
		quoted, err := strconv.QuotedPrefix(text)
		if err != nil {
			return nil, false
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, false
		}
		words = append(words, word)
		text = strings.TrimPrefix(text[len(quoted):], " ")
	}
	return words, true
}

package wire

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deeply objects and lists may nest: far more than values do,
// and far less than a stack holds.
const maxDepth = 1000

// A reader reads JSON, RFC 8259 to the letter, and remembers the first thing
// that is not what it should be; from then on it reads nothing. Texts and raw
// values are parts of the document, not copies: a prompt waits for this.
type reader struct {
	body  []byte
	all   string // body, from the first text on
	at    int    // how much has been read
	depth int
	err   error
}

// readDocument reads one JSON object and nothing behind it. Errors do not say
// what was read: it may be secret.
func readDocument(body []byte, field func(name []byte, in *reader)) error {
	in := &reader{body: body}
	if !utf8.Valid(body) {
		in.fail()
	}
	in.object(field)
	if in.peek(); in.at < len(body) {
		in.fail()
	}
	return in.err
}

// fail ends the reading.
func (in *reader) fail() { in.err, in.at = errNotJSON, len(in.body) }

// peek returns the byte that is next, or 0 at the end.
func (in *reader) peek() byte {
	for ; in.at < len(in.body); in.at++ {
		if c := in.body[in.at]; c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	return 0
}

// take reads a byte of set, if one is there, and reports whether one was.
func (in *reader) take(set string) bool {
	if in.at == len(in.body) || strings.IndexByte(set, in.body[in.at]) < 0 {
		return false
	}
	in.at++
	return true
}

// must reads c, and what may be before it.
func (in *reader) must(c string) {
	if in.peek(); !in.take(c) {
		in.fail()
	}
}

// word reads true, false or null.
func (in *reader) word(word string) {
	in.peek()
	if !strings.HasPrefix(string(in.body[in.at:min(in.at+len(word), len(in.body))]), word) {
		in.fail()
		return
	}
	in.at += len(word)
}

// elements reads what brackets hold. Null stands for nothing.
func (in *reader) elements(opening, closing string, element func()) {
	if in.peek() == 'n' {
		in.word("null")
		return
	}
	in.must(opening)
	if in.depth++; in.depth > maxDepth {
		in.fail()
	}
	in.peek()
	for more := !in.take(closing) && in.err == nil; more; {
		element()
		in.peek()
		if more = in.take(","); !more {
			in.must(closing)
		}
	}
	in.depth--
}

func (in *reader) object(field func(name []byte, in *reader)) {
	in.elements("{", "}", func() {
		name := in.name()
		if in.must(":"); in.err == nil {
			field(name, in)
		}
	})
}

func (in *reader) list(element func()) { in.elements("[", "]", element) }

// quoted reads a string and returns where it stands, without its quotes.
func (in *reader) quoted() (from, to int, escaped bool) {
	in.must(`"`)
	for from = in.at; in.at < len(in.body); in.at++ {
		switch c := in.body[in.at]; {
		case c == '"':
			in.at++
			return from, in.at - 1, escaped
		case c == '\\':
			escaped = true
			in.at++ // what follows does not end the string
		case c < ' ':
			in.fail()
		}
	}
	in.fail()
	return 0, 0, false
}

// name reads a string that names a field.
func (in *reader) name() []byte {
	from, to, escaped := in.quoted()
	if escaped {
		return []byte(in.unescape(in.body[from:to]))
	}
	return in.body[from:to]
}

func (in *reader) text() string {
	from, to, escaped := in.quoted()
	switch {
	case escaped:
		return in.unescape(in.body[from:to])
	case in.all == "":
		in.all = string(in.body)
	}
	return in.all[from:to]
}

func (in *reader) texts() (texts []string) {
	in.list(func() { texts = append(texts, in.text()) })
	return texts
}

// unescape returns the text that a string with escapes in it stands for.
func (in *reader) unescape(s []byte) string {
	text := make([]byte, 0, len(s))
	for len(s) > 0 {
		if s[0] != '\\' {
			text, s = append(text, s[0]), s[1:]
			continue
		}
		var r rune
		r, s = in.escape(s)
		text = utf8.AppendRune(text, r)
	}
	return string(text)
}

// escape reads the escape that s begins with and returns what is behind it.
func (in *reader) escape(s []byte) (r rune, rest []byte) {
	if i := strings.IndexByte(`"\/bfnrt`, s[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), s[2:]
	}
	r = unit(s)
	if utf16.IsSurrogate(r) {
		s = s[len(`\uXXXX`):]
		if r = utf16.DecodeRune(r, unit(s)); r == utf8.RuneError {
			r = -1 // half a character
		}
	}
	if r < 0 {
		in.fail()
		return r, nil
	}
	return r, s[len(`\uXXXX`):]
}

// unit returns the UTF-16 code unit that s begins with as \uXXXX, or -1.
func unit(s []byte) rune {
	if len(s) < len(`\uXXXX`) || s[0] != '\\' || s[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

// number reads a number and returns it as it is written.
func (in *reader) number() string {
	in.peek()
	from := in.at
	in.take("-")
	if !in.take("0") {
		in.digits()
	}
	if in.take(".") {
		in.digits()
	}
	if in.take("eE") {
		in.take("+-")
		in.digits()
	}
	return string(in.body[from:in.at])
}

// digits reads at least one.
func (in *reader) digits() {
	const all = "0123456789"
	if !in.take(all) {
		in.fail()
	}
	for in.take(all) {
	}
}

func (in *reader) integer() int {
	n, err := strconv.Atoi(in.number())
	if err != nil {
		in.fail()
	}
	return n
}

func (in *reader) integers() (numbers []int) {
	in.list(func() { numbers = append(numbers, in.integer()) })
	return numbers
}

func (in *reader) boolean() bool {
	if in.peek() == 't' {
		in.word("true")
		return in.err == nil
	}
	in.word("false")
	return false
}

func (in *reader) time() time.Time {
	at, err := time.Parse(time.RFC3339, in.text())
	if err != nil {
		in.fail()
	}
	return at
}

// skip reads any value.
func (in *reader) skip() {
	switch in.peek() {
	case '{':
		in.object(func([]byte, *reader) { in.skip() })
	case '[':
		in.list(in.skip)
	case '"':
		in.name()
	case 't', 'f':
		in.boolean()
	case 'n':
		in.word("null")
	default:
		in.number()
	}
}

// raw reads any value as it is.
func (in *reader) raw() json.RawMessage {
	in.peek()
	from := in.at
	if in.skip(); in.err != nil {
		return nil
	}
	return json.RawMessage(in.body[from:in.at:in.at])
}

// other reads any value into what v points to.
func (in *reader) other(v any) {
	if text := in.raw(); in.err == nil && decode(text, v) != nil {
		in.fail()
	}
}

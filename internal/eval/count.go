package eval

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// crowded returns where text has certainly more nodes than a definition may
// have, or longer ones, and what is wrong there; -1 if that is not certain. The
// YAML library makes the whole tree before anybody can count: two bytes of
// hostile text cost it half a KiB, and it wonders of each whether it is a number.
//
// What is counted is scalars and [ { on the one hand, the items and pairs that
// -, ? and : begin on the other, and anchors, and tags: each of one kind is, or
// belongs to, a node of its own. Text that is not YAML may be counted as anything.
func crowded(text []byte) (at int, why string) {
	const small = 64 << 10 // not worth looking at
	if len(text) <= small {
		return -1, ""
	}
	c := counter{text: text}
	for c.next() {
		switch {
		case max(c.scalars, c.entries, c.anchors, c.tags) > maxNodes:
			return c.at, fmt.Sprintf("the definition has more than %d nodes", maxNodes)
		case c.long:
			return c.word, tooLarge(maxValue)
		}
	}
	return -1, ""
}

// A counter walks through the tokens of a text as the YAML library does. The
// columns of the block collections around a token say what continues over the
// end of a line and what does not.
type counter struct {
	text    []byte
	at      int
	column  int
	indents []int // of the block collections around, from outside in
	flow    int   // how many [ and { are open
	key     int   // 1 + column of what a : would make a key; 0 if nothing

	scalars, entries, anchors, tags int

	word int  // where the last piece of a plain scalar without blanks begins
	long bool // it is longer than a value may be
}

// peek returns the byte at c.at+n; a NUL behind the end.
func (c *counter) peek(n int) byte {
	if c.at+n < len(c.text) {
		return c.text[c.at+n]
	}
	return 0
}

// lineBreak returns how many bytes the line break at c.at has, 0 if it is none.
func (c *counter) lineBreak() int { return c.lineBreakAt(c.at) }

func (c *counter) lineBreakAt(at int) int {
	rest := c.text[min(at, len(c.text)):]
	switch {
	case len(rest) == 0 || rest[0] < utf8.RuneSelf && rest[0] != '\n' && rest[0] != '\r':
		return 0
	case rest[0] < utf8.RuneSelf:
		return 1
	case bytes.HasPrefix(rest, []byte("\u0085")):
		return 2
	case bytes.HasPrefix(rest, []byte("\u2028")), bytes.HasPrefix(rest, []byte("\u2029")):
		return 3
	}
	return 0
}

func (c *counter) isBlank() bool { return c.peek(0) == ' ' || c.peek(0) == '\t' }

func (c *counter) ended() bool { return c.at >= len(c.text) }

// isGap reports a blank, a line break or the end n bytes ahead.
func (c *counter) isGap(n int) bool {
	b := c.peek(n)
	if ' ' < b && b < utf8.RuneSelf { // most of a text
		return false
	}
	return b == ' ' || b == '\t' || c.at+n >= len(c.text) || c.lineBreakAt(c.at+n) > 0
}

// step goes on by one character.
func (c *counter) step() {
	if width := c.lineBreak(); width > 0 {
		c.at, c.column = c.at+width, 0
		return
	}
	width := 1
	if c.peek(0) >= utf8.RuneSelf {
		_, width = utf8.DecodeRune(c.text[c.at:])
	}
	c.at, c.column = c.at+width, c.column+1
}

func (c *counter) skipLine() {
	for !c.ended() && c.lineBreak() == 0 {
		c.step()
	}
}

// indent is the column of the innermost block collection, -1 outside of all.
func (c *counter) indent() int {
	if len(c.indents) == 0 {
		return -1
	}
	return c.indents[len(c.indents)-1]
}

// enter begins a block collection at a column, unless one is there.
func (c *counter) enter(column int) {
	if c.flow == 0 && c.indent() < column {
		c.indents = append(c.indents, column)
	}
}

// next takes one token. It returns false at the end, and where the library
// would give up.
func (c *counter) next() bool {
	c.skipSpace()
	for c.flow == 0 && c.indent() > c.column {
		c.indents = c.indents[:len(c.indents)-1]
	}
	begin := c.column
	switch b := c.peek(0); {
	case c.ended() || c.isMark():
		return false
	case begin == 0 && b == '%':
		c.skipLine()
	case c.isDocumentMarker():
		c.at, c.column, c.indents, c.key = c.at+3, 3, nil, 0
	case b == ',':
		c.step()
	case b == ']' || b == '}':
		c.flow = max(c.flow-1, 0)
		c.step()
	case b == '-' && c.isGap(1), b == '?' && (c.flow > 0 || c.isGap(1)):
		c.entries++
		c.enter(begin)
		c.key = 0
		c.step()
	case b == ':' && (c.flow > 0 || c.isGap(1)):
		c.entries++
		if c.key > 0 {
			begin = c.key - 1
		}
		c.enter(begin)
		c.key = 0
		c.step()
	default:
		if c.key == 0 {
			c.key = begin + 1
		}
		return c.node()
	}
	return true
}

// skipSpace goes to the next token.
func (c *counter) skipSpace() {
	for !c.ended() {
		switch {
		case c.lineBreak() > 0:
			if c.flow == 0 {
				c.key = 0
			}
			c.step()
		case c.peek(0) == '#':
			c.skipLine()
		case c.isBlank() || c.at == 0 && c.isMark():
			c.step()
		default:
			return
		}
	}
}

// isMark reports a byte order mark. The library takes one that is not at the
// beginning for the end.
func (c *counter) isMark() bool { return bytes.HasPrefix(c.text[c.at:], []byte("\ufeff")) }

func (c *counter) isDocumentMarker() bool {
	mark := c.text[c.at:min(c.at+3, len(c.text))]
	return c.column == 0 && (string(mark) == "---" || string(mark) == "...") && c.isGap(3)
}

// node takes what is a node, or the anchor or tag of one.
func (c *counter) node() bool {
	switch b := c.peek(0); b {
	case '&', '!':
		if b == '&' {
			c.anchors++
		} else {
			c.tags++
		}
		for !c.isGap(0) && (c.flow == 0 || c.peek(0) != ',') {
			c.step()
		}
		return true
	case '%', '@', '`':
		return false
	case '[', '{':
		c.flow++
		c.step()
	case '"', '\'':
		c.quoted(b)
	case '|', '>':
		if c.flow > 0 {
			return false
		}
		c.block()
	default: // an alias is written like a plain scalar
		c.plain()
	}
	c.scalars++
	return true
}

func (c *counter) quoted(quote byte) {
	for c.step(); !c.ended(); c.step() {
		switch b := c.peek(0); {
		case b == '\\' && quote == '"':
			c.step()
		case b == quote && quote == '\'' && c.peek(1) == quote:
			c.step()
		case b == quote:
			c.step()
			return
		}
		if c.ended() {
			return
		}
	}
}

// plain takes a scalar without quotes, over all its lines.
func (c *counter) plain() {
	for !c.ended() && !c.isDocumentMarker() && c.peek(0) != '#' {
		for c.word = c.at; !c.isGap(0) && !c.endsPlain(); {
			c.step()
		}
		if c.long = c.at-c.word > maxValue; c.long || c.ended() || !c.isGap(0) {
			return
		}
		for !c.ended() && c.isGap(0) {
			if c.lineBreak() > 0 && c.flow == 0 {
				c.key = 0 // a key has one line
			}
			c.step()
		}
		if c.flow == 0 && c.column <= c.indent() {
			return
		}
	}
}

func (c *counter) endsPlain() bool {
	switch c.peek(0) {
	case ':':
		return c.isGap(1)
	case ',', '?', '[', ']', '{', '}':
		return c.flow > 0
	}
	return false
}

// block takes a | or > scalar: the lines that are indented as its first is, or
// as its header says.
func (c *counter) block() {
	indent, widest := 0, 0
	for n := 1; n <= 2; n++ {
		if b := c.peek(n); '1' <= b && b <= '9' {
			indent = max(c.indent(), 0) + int(b-'0')
		}
	}
	c.skipLine()
	c.key = 0
	for !c.ended() {
		c.step() // the line break
		for c.peek(0) == ' ' && (indent == 0 || c.column < indent) {
			c.step()
		}
		widest = max(widest, c.column)
		if c.lineBreak() > 0 {
			continue
		}
		if indent == 0 {
			indent = max(widest, c.indent()+1, 1)
		}
		if c.column < indent {
			return
		}
		c.skipLine()
	}
}

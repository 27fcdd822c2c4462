package eval

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/escenv/escenv/internal/esc"
)

// A step is one accessor of a property path: a name or an index.
type step struct {
	name    string
	index   int
	isIndex bool

	start, end int // where it stands, bytes in the text
}

func (s step) String() string {
	if s.isIndex {
		return indexStep(s.index)
	}
	return dotted(nameStep(s.name))
}

// bare is String without the dot.
func (s step) bare() string { return strings.TrimPrefix(s.String(), ".") }

// dotted writes a step as it follows others.
func dotted(step string) string {
	if step == "" || step[0] == '[' {
		return step
	}
	return "." + step
}

// A part of an interpolation is text, and then what a path names.
type part struct {
	text       string
	path       []step // nil: nothing but text
	start, end int    // where ${...} stands, bytes in the raw text
}

// A pathError says what is wrong with a path and where, in bytes.
type pathError struct {
	start, end int
	summary    string
}

// errInterpolated is the one thing that can be wrong with escaped text.
var errInterpolated = errors.New("it holds ${...}, which is not interpolated here")

// splitInterpolation takes text apart at each ${...}. $$ stands for $, and a
// $ before anything else for itself.
func splitInterpolation(text string) ([]part, *pathError) {
	var parts []part
	var plain strings.Builder
	for i := 0; i < len(text); {
		switch {
		case strings.HasPrefix(text[i:], "$$"):
			plain.WriteByte('$')
			i += 2
		case strings.HasPrefix(text[i:], "${"):
			p := pathParser{text: text, at: i + 2, closing: true}
			path, err := p.parse()
			if err != nil {
				return nil, err
			}
			parts = append(parts, part{text: plain.String(), path: path, start: i, end: p.at})
			plain.Reset()
			i = p.at
		default:
			plain.WriteByte(text[i])
			i++
		}
	}
	if plain.Len() > 0 || len(parts) == 0 {
		parts = append(parts, part{text: plain.String()})
	}
	return parts, nil
}

// unescape reads text in which nothing may be interpolated.
func unescape(text string) (string, error) {
	parts, err := splitInterpolation(text)
	if err != nil || len(parts) != 1 || parts[0].path != nil {
		return "", errInterpolated
	}
	return parts[0].text, nil
}

// parsePath reads a property path that stands alone: aws.login["a b"][0].
func parsePath(text string) ([]step, error) {
	p := pathParser{text: text}
	path, err := p.parse()
	if err == nil && !utf8.ValidString(text) {
		err = p.fail(0, "it is not UTF-8 text")
	}
	if err != nil {
		return nil, esc.Errorf(esc.Invalid, "%q is not a property path: %s", clip(text), err.summary).
			WithHint(`write it as a.b, a["b c"] or a[0]`)
	}
	return path, nil
}

// A pathParser reads one path, up to its closing brace or the end.
type pathParser struct {
	text    string
	at      int
	closing bool // a } ends the path
}

func (p *pathParser) fail(start int, summary string) *pathError {
	return &pathError{start, min(max(p.at, start+1), len(p.text)), summary}
}

func (p *pathParser) parse() ([]step, *pathError) {
	var path []step
	for begin := p.at; ; {
		if p.at == len(p.text) {
			if p.closing {
				return nil, p.fail(begin-2, "${ is not closed: a } is missing")
			}
			return p.ended(path, begin)
		}
		if p.closing && p.text[p.at] == '}' {
			path, err := p.ended(path, begin)
			p.at++
			return path, err
		}
		start := p.at
		s, err := p.step()
		if err != nil {
			return nil, err
		}
		s.start, s.end = start, p.at
		path = append(path, s)
	}
}

func (p *pathParser) ended(path []step, begin int) ([]step, *pathError) {
	switch {
	case len(path) == 0:
		return nil, p.fail(begin, "the path is empty")
	case path[0].isIndex:
		return nil, p.fail(begin, "a path begins with a name, not with an index")
	}
	return path, nil
}

func (p *pathParser) step() (step, *pathError) {
	start := p.at
	switch p.text[p.at] {
	case '[':
		p.at++
		return p.subscript(start)
	case '.':
		p.at++
	}
	name := p.run()
	if name != "" {
		return step{name: name}, nil
	}
	if p.at < len(p.text) && unicode.IsSpace(rune(p.text[p.at])) {
		return step{}, p.fail(p.at, "a name with a space is written [\"like this\"]")
	}
	return step{}, p.fail(start, "a property name is empty")
}

// run reads up to what ends a name.
func (p *pathParser) run() string {
	start := p.at
	for p.at < len(p.text) && !p.endsName(p.text[p.at]) {
		p.at++
	}
	return p.text[start:p.at]
}

func (p *pathParser) endsName(c byte) bool {
	return c == '.' || c == '[' || c == '}' || unicode.IsSpace(rune(c))
}

func (p *pathParser) subscript(start int) (step, *pathError) {
	var s step
	var err *pathError
	if strings.HasPrefix(p.text[p.at:], `"`) {
		s.name, err = p.quoted(start)
	} else {
		s.index, err = p.index(start)
		s.isIndex = true
	}
	if err != nil {
		return step{}, err
	}
	if !strings.HasPrefix(p.text[p.at:], "]") {
		return step{}, p.fail(start, "[ is not closed: a ] is missing")
	}
	p.at++
	return s, nil
}

func (p *pathParser) quoted(start int) (string, *pathError) {
	var name strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		switch {
		case c == '"' && name.Len() == 0:
			return "", p.fail(start, "a property name is empty")
		case c == '"':
			p.at++
			return name.String(), nil
		case c == '\\' && strings.HasPrefix(p.text[p.at+1:], `"`):
			p.at++
			c = '"'
		}
		name.WriteByte(c)
	}
	return "", p.fail(start, `a " is missing`)
}

func (p *pathParser) index(start int) (int, *pathError) {
	digits := p.text[p.at:]
	if end := strings.IndexFunc(digits, func(c rune) bool { return c < '0' || c > '9' }); end >= 0 {
		digits = digits[:end]
	}
	p.at += len(digits)
	index, err := strconv.Atoi(digits)
	if err != nil {
		return 0, p.fail(start, "an index is a number from 0 up; a name is quoted")
	}
	return index, nil
}

// pathString writes a path as a person would.
func pathString(path []step) string {
	var b strings.Builder
	for _, s := range path {
		b.WriteString(s.String())
	}
	return clip(strings.TrimPrefix(b.String(), "."))
}

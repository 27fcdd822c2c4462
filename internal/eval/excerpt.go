package eval

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/escenv/escenv/internal/esc"
)

// Diagnostics show the line they are about. It goes where secrets may not: to
// terminals, and to the logs of CI jobs. So everything below fn::secret is
// veiled, whatever else is wrong with it, and a file that is no definition,
// somebody's key or token for example, is not shown at all.

// maxExcerpt bounds each part of an excerpt, in characters.
const maxExcerpt = 160

// A spot is a place in a text, both from 1.
type spot struct{ line, column int }

// A veil covers a part of a text that no excerpt shows.
type veil struct{ from, to spot } // to is exclusive

// textEnd is behind every text.
var textEnd = spot{line: maxText + 2}

// excerpt returns the line that d is about.
func (s *Source) excerpt(d esc.Diagnostic) (out esc.Excerpt) {
	if !s.quotable || s.shownUntil > 0 && d.Line >= s.shownUntil {
		return out
	}
	whole := strings.TrimRight(readable(s.Text, d.Line), "\r")
	if !utf8.ValidString(whole) || strings.TrimSpace(whole) == "" {
		return out
	}
	text := []rune(whole)
	begin := min(max(d.Column-1, 0), len(text))
	end := begin
	switch {
	case d.End.Line > d.Line:
		end = len(text)
	case d.End.Line == d.Line && d.End.Column > d.Column:
		end = min(d.End.Column-1, len(text))
	}
	hidden := s.hidden(d.Line, text)
	before, marked, after := max(0, begin-maxExcerpt), min(end, begin+maxExcerpt), min(len(text), end+maxExcerpt)
	out.Before = ellipsis(before > 0) + shown(text[before:begin], hidden[before:begin])
	out.Marked = shown(text[begin:marked], hidden[begin:marked]) + ellipsis(marked < end)
	out.After = shown(text[end:after], hidden[end:after]) + ellipsis(after < len(text))
	return out
}

func ellipsis(cut bool) string {
	if cut {
		return "…"
	}
	return ""
}

// hidden tells, for each character of a line, whether it is veiled. Indentation
// and dashes before what follows a veil are not.
func (s *Source) hidden(number int, text []rune) []bool {
	out := make([]bool, len(text))
	for _, v := range s.veils {
		if number < v.from.line || number > v.to.line {
			continue
		}
		from, to := 0, len(text)
		if number == v.from.line {
			from = min(v.from.column-1, to)
		}
		if number == v.to.line {
			to = min(v.to.column-1, to)
		}
		if from == 0 && strings.Trim(string(text[:to]), " -") == "" && to < len(text) {
			continue
		}
		cover(out[from:to])
	}
	if before, after, ok := strings.Cut(string(text), "#"); ok && holdsCallOfSecret(strings.ToLower(after)) {
		cover(out[utf8.RuneCountInString(before):]) // a secret that was commented out
	}
	return out
}

func cover(hidden []bool) {
	for i := range hidden {
		hidden[i] = true
	}
}

// shown returns text with what is hidden of it replaced, but for blanks that
// it begins with.
func shown(text []rune, hidden []bool) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		for ; i < len(text) && (!hidden[i] || text[i] == ' '); i++ {
			b.WriteRune(text[i])
		}
		if i == len(text) {
			break
		}
		for ; i < len(text) && hidden[i]; i++ { // to the end of what is hidden
		}
		b.WriteString(esc.Hidden)
		if i < len(text) {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// veil returns the source as excerpts may show it. root is nil if the text is
// not YAML.
func (s *Source) veil(root *yaml.Node) *Source {
	own := *s
	if root == nil {
		own.quotable, own.shownUntil = roughly(s.Text)
	} else {
		w := veiler{}
		w.top(root)
		own.quotable, own.veils = w.definition, w.veils
	}
	own.quotable = own.quotable && !hasOddBreaks(s.Text)
	return &own
}

// hasOddBreaks reports whether YAML counts lines in text that nobody else does:
// a line and the veils over it would not go by the same number.
func hasOddBreaks(text []byte) bool {
	for _, odd := range []string{"\u0085", "\u2028", "\u2029"} {
		if bytes.Contains(text, []byte(odd)) {
			return true
		}
	}
	return bytes.Count(text, []byte("\r")) != bytes.Count(text, []byte("\r\n"))
}

// A veiler walks a document from its first node to its last.
type veiler struct {
	veils      []veil
	open       []int // the veils whose end was not reached yet
	definition bool
}

// top looks at the top level: what is not a definition's is veiled.
func (w *veiler) top(root *yaml.Node) {
	if root.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		name := strings.ToLower(key.Value)
		w.definition = w.definition || name == "values" || name == "imports"
		w.pair(key, value, !slices.Contains([]string{"description", "imports", "values"}, name))
	}
}

// pair walks a key and its value, and veils the value if it is to be.
func (w *veiler) pair(key, value *yaml.Node, hide bool) {
	w.walk(key)
	if !hide {
		w.walk(value)
		return
	}
	w.veils = append(w.veils, veil{from: behind(key), to: textEnd})
	w.open = append(w.open, len(w.veils)-1)
}

// behind is where the text behind a key and its colon begins. Escapes make a
// key longer than its text; more is veiled then.
func behind(key *yaml.Node) spot {
	const colon = 1
	at := spot{key.Line, key.Column + utf8.RuneCountInString(key.Value) + colon}
	if key.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		at.column += 2
	}
	return at
}

// walk visits a node that may be shown: whatever was veiled ends here.
func (w *veiler) walk(n *yaml.Node) {
	for _, i := range w.open {
		w.veils[i].to = spot{n.Line, n.Column}
	}
	w.open = w.open[:0]
	for i := 0; i < len(n.Content); i++ {
		if n.Kind == yaml.MappingNode && i+1 < len(n.Content) {
			w.pair(n.Content[i], n.Content[i+1], mayHoldSecret(n.Content[i].Value))
			i++
			continue
		}
		w.walk(n.Content[i])
	}
}

// meantSecret is in fn::secret, and in f::secret, too.
const meantSecret = "::secret"

// mayHoldSecret reports whether a key is fn::secret, or was perhaps meant to
// be: what is not another built-in, or near to one, is veiled.
func mayHoldSecret(key string) bool {
	key = strings.ToLower(key)
	name, call := strings.CutPrefix(key, "fn:")
	if !call {
		return strings.Contains(key, meantSecret)
	}
	name, _, _ = strings.Cut(strings.TrimPrefix(name, ":"), "::")
	if slices.Contains(openCalls[:], name) {
		return false
	}
	meant, ok := strings.CutPrefix(esc.DidYouMean("fn::"+name, calls()), "did you mean fn::")
	return !ok || meant == "secret?"
}

// openCalls are the built-ins whose arguments are no secrets, in lower case.
var openCalls = [...]string{
	"open", "rotate", "join", "split", "concat", "tojson", "fromjson", "toyaml", "fromyaml",
	"tobase64", "frombase64", "tostring", "final", "validate",
}

// calls are openCalls and fn::secret.
func calls() []string {
	all := []string{"fn::secret"}
	for _, name := range openCalls {
		all = append(all, "fn::"+name)
	}
	return all
}

// roughly looks at a text that is not YAML: whether it may be a definition
// with a mistake, and from which line on a secret may stand in it; 0 if in
// none.
func roughly(text []byte) (definition bool, until int) {
	if len(text) > maxText {
		return false, 0
	}
	number := 0
	for line := range bytes.Lines(bytes.ToLower(text)) {
		number++
		key, _, ok := bytes.Cut(bytes.TrimLeft(line, `{"' `), []byte(":"))
		name := string(bytes.TrimRight(key, `"' `))
		definition = definition || ok && (name == "values" || name == "imports")
		if holdsCallOfSecret(string(line)) {
			return definition, number
		}
	}
	return definition, 0
}

// holdsCallOfSecret reports whether a key of which mayHoldSecret says so may
// stand in a line.
func holdsCallOfSecret(line string) bool {
	if strings.Contains(line, meantSecret) {
		return true
	}
	for {
		_, rest, ok := strings.Cut(line, "fn:")
		if !ok {
			return false
		}
		end := strings.IndexFunc(rest, func(c rune) bool { return !unicode.IsLetter(c) && c != ':' && c != '-' })
		if end < 0 {
			end = len(rest)
		}
		if mayHoldSecret("fn:" + strings.TrimRight(rest[:end], ":")) {
			return true
		}
		line = rest
	}
}

package eval

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A syntaxError is text that is not the YAML a definition is written in.
type syntaxError struct {
	line, column int
	summary      string
	hint         string
}

func (e *syntaxError) Error() string { return e.summary }

// document reads the one YAML document of text; nil if it has none. The error
// is a syntaxError.
func document(text []byte) (*yaml.Node, error) {
	root, err := decode(text)
	if _, explained := errors.AsType[*syntaxError](err); err != nil && !explained {
		return nil, explain(text, err)
	}
	return root, err
}

// decode is document for those who do not ask where a mistake is. Nesting is
// bounded by the parser itself, at 10,000, before a tree exists.
func decode(text []byte) (*yaml.Node, error) {
	if len(text) > maxText {
		return nil, &syntaxError{1, 1, fmt.Sprintf("the definition is larger than %d KiB", maxText>>10), ""}
	}
	if at := invalidUTF8(text); at >= 0 {
		line, column := locate(text, at)
		return nil, &syntaxError{line, column, "the definition is not UTF-8 text", ""}
	}
	if at, why := crowded(text); at >= 0 {
		line, column := locate(text, at)
		return nil, &syntaxError{line, column, why, ""}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, err
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		at := &syntaxError{1, 1, "a definition is one YAML document, and a second one begins here", `remove the line "---" and what follows it`}
		at.line = max(second.Line, documentMarker(text))
		return nil, at
	}
	return doc.Content[0], nil
}

// explain turns the YAML library's error into one with a place. The library
// quotes nothing of the text but names of aliases, which may be secrets.
func explain(text []byte, err error) *syntaxError {
	words := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := regexp.MustCompile(`(?s)^unknown anchor '(.*)'`).FindStringSubmatch(words); m != nil {
		line, column := aliasPosition(text, m[1])
		return &syntaxError{line, column, "aliases are not supported", "quote text that begins with *"}
	}
	if strings.HasPrefix(words, "exceeded max depth") {
		return &syntaxError{1, 1, fmt.Sprintf("the definition is nested deeper than %d", maxDepth), ""}
	}
	line, words := complaint(err)
	at, column := breaksAt(text, line, words), 1
	if strings.HasPrefix(words, "did not find expected") {
		line++ // the library counts these from 0
	}
	if at >= 0 {
		line, column = locate(text, at)
	}
	return &syntaxError{max(line, 1), column, "not YAML: " + words, ""}
}

// complaint takes the YAML library's error apart. The line is 0 if there is
// none, and may be that on which what encloses the mistake began.
func complaint(err error) (line int, words string) {
	if err == nil {
		return 0, ""
	}
	words = strings.TrimPrefix(err.Error(), "yaml: ")
	if number, rest, ok := strings.Cut(strings.TrimPrefix(words, "line "), ": "); ok {
		if n, err := strconv.Atoi(number); err == nil {
			return n, rest
		}
	}
	return 0, words
}

// breaksAt finds the byte at which text stops being YAML, of which the library
// has said these words about that line; -1 if that is only its end, or would
// take long to find. It looks at what is around the line, and then at all.
func breaksAt(text []byte, line int, words string) int {
	at := breakBehind(text, entryAt(text, line), line, words)
	if at < 0 {
		at = breakBehind(text, 0, line, words)
	}
	return at
}

// breakBehind is breaksAt for the text that begins at a byte. The library reads
// from the front, so the shortest beginning that fails in the same words ends
// where the trouble is.
func breakBehind(text []byte, begin, line int, words string) int {
	const most = 8 << 10
	part := text[begin:min(len(text), begin+most)]
	if above := bytes.Count(text[:begin], []byte("\n")); above > 0 {
		begin, line = begin-1, line-above+1 // of what is on the first line the library does not name the line
		part = text[begin : begin+1+len(part)]
	}
	fails := func(n int) bool {
		for n > 0 && n < len(part) && !utf8.RuneStart(part[n]) {
			n--
		}
		at, said := complaint(yaml.Unmarshal(part[:n], new(yaml.Node)))
		return at == line && said == words
	}
	n := -1
	if fails(len(part)) {
		n = sort.Search(len(part), fails)
	}
	if n <= 0 || n == len(part) {
		return -1
	}
	return begin + n - 1
}

// entryAt returns where the last line up to a number begins that looks like the
// first line of a value.
func entryAt(text []byte, number int) int {
	begin, at := 0, 0
	for l := range bytes.Lines(text) {
		if number--; number < 0 {
			break
		}
		key := bytes.TrimLeft(l, " ")
		if len(l)-len(key) <= 2 && len(key) > 0 && strings.IndexByte(" \r\n\t#-[]{},", key[0]) < 0 {
			begin = at
		}
		at += len(l)
	}
	return begin
}

// aliasPosition finds the first thing that looks like the alias.
func aliasPosition(text []byte, name string) (line, column int) {
	m := regexp.MustCompile(`(?:^|[\s\[{,:-])(\*)` + regexp.QuoteMeta(name) + `(?:[^\w-]|$)`).FindSubmatchIndex(text)
	if m == nil {
		return 1, 1
	}
	return locate(text, m[2])
}

// documentMarker returns the line of the marker that begins the second
// document. The first document may have one, too.
func documentMarker(text []byte) int {
	all := regexp.MustCompile(`(?m)^---(\s|$)`).FindAllIndex(text, -1)
	if len(all) == 0 {
		return 1
	}
	line, _ := locate(text, all[min(1, len(all)-1)][0])
	return line
}

func invalidUTF8(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// locate returns the line and column of a byte, both from 1.
func locate(text []byte, at int) (line, column int) {
	begin := bytes.LastIndexByte(text[:at], '\n') + 1
	return 1 + bytes.Count(text[:at], []byte("\n")), 1 + utf8.RuneCount(text[begin:at])
}

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

// document reads the one YAML document of text; nil if it has none. Nesting
// is bounded by the parser itself, at 10,000, before a tree exists.
func document(text []byte) (*yaml.Node, error) {
	if len(text) > maxText {
		return nil, &syntaxError{1, 1, fmt.Sprintf("the definition is larger than %d KiB", maxText>>10), ""}
	}
	if at := invalidUTF8(text); at >= 0 {
		line, column := locate(text, at)
		return nil, &syntaxError{line, column, "the definition is not UTF-8 text", ""}
	}
	if at := crowded(text); at >= 0 {
		line, column := locate(text, at)
		return nil, &syntaxError{line, column, fmt.Sprintf("the definition has more than %d nodes", maxNodes), ""}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, explain(text, err)
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
	line, column := 0, 1
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(words); m != nil {
		line, _ = strconv.Atoi(m[1])
		words = words[len(m[0]):]
	}
	if strings.HasPrefix(words, "did not find expected") {
		line++ // the library counts these from 0
	}
	if at := breaksAt(text, err); at >= 0 {
		line, column = locate(text, at)
	}
	return &syntaxError{max(line, 1), column, "not YAML: " + words, ""}
}

// breaksAt finds the byte at which text stops being YAML; -1 if it is only its
// end. The library names the line on which what encloses that byte began, if
// any. It reads from the front, so the shortest beginning of text that fails in
// the same words ends where the trouble is.
func breaksAt(text []byte, failure error) int {
	const most = 64 << 10 // longer texts would take too long
	if len(text) > most {
		return -1
	}
	n := sort.Search(len(text), func(n int) bool {
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		err := yaml.Unmarshal(text[:n], new(yaml.Node))
		return err != nil && err.Error() == failure.Error()
	})
	if n == 0 || n == len(text) {
		return -1
	}
	return n - 1
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

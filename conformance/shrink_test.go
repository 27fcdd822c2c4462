package conformance

import (
	"maps"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"
)

// smallest takes away from a question what it can without another verdict, for
// some seconds, and writes what is left as an archive.
func smallest(r *referee, q question, v verdict) string {
	s := &shrinker{question: q, deadline: time.Now().Add(20 * time.Second)}
	_, first := compare(r, q)
	s.same = func(q question) bool {
		got, why := compare(r, q)
		return got == v && (got != refusedThere && got != refusedHere || said(why) == said(first))
	}
	for s.pass() && time.Now().Before(s.deadline) {
	}
	_, why := compare(r, s.question)
	archive := &txtar.Archive{Comment: []byte(why + "\n")}
	for _, name := range sortedKeys(s.question.Texts) {
		archive.Files = append(archive.Files, txtar.File{Name: name + ".yaml", Data: []byte(s.question.Texts[name])})
	}
	return string(txtar.Format(archive))
}

// A shrinker makes a question smaller.
type shrinker struct {
	question question
	same     func(question) bool // it still shows what it is about
	deadline time.Time
	shrunk   bool
}

// pass tries every small change once, and reports whether one was made.
func (s *shrinker) pass() bool {
	s.shrunk = false
	for _, name := range sortedKeys(s.question.Texts) {
		if name != s.question.Root && s.keep(s.question.with(name, "")) {
			continue
		}
		var doc yaml.Node
		if yaml.Unmarshal([]byte(s.question.Texts[name]), &doc) != nil || len(doc.Content) == 0 {
			continue
		}
		root := doc.Content[0]
		s.node(root, func() bool { return s.keep(s.question.with(name, written(root))) })
	}
	return s.shrunk
}

func (s *shrinker) keep(q question) bool {
	if time.Now().After(s.deadline) || !s.same(q) {
		return false
	}
	s.question, s.shrunk = q, true
	return true
}

// with returns q with another text, or without one.
func (q question) with(name, text string) question {
	q.Texts = maps.Clone(q.Texts)
	q.Texts[name] = text
	if text == "" {
		delete(q.Texts, name)
	}
	q.Text = q.Texts[q.Root]
	return q
}

// node takes away from n what keep agrees to.
func (s *shrinker) node(n *yaml.Node, keep func() bool) {
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	for i := 0; i+step <= len(n.Content); {
		whole := n.Content
		n.Content = append(append([]*yaml.Node{}, whole[:i]...), whole[i+step:]...)
		if !keep() {
			n.Content = whole
			i += step
		}
	}
	for i := step - 1; i < len(n.Content); i += step {
		s.child(n, i, keep)
	}
}

// child puts something simpler in place of a child of n, or what it holds.
func (s *shrinker) child(n *yaml.Node, i int, keep func() bool) {
	child := n.Content[i]
	var instead []*yaml.Node
	if child.Kind != yaml.ScalarNode || len(child.Value) > 1 {
		instead = append(instead, plainNode("!!null", "~"), plainNode("!!str", "x"))
	}
	if len(child.Content) > 0 {
		instead = append(instead, child.Content[len(child.Content)-1])
	}
	for _, other := range instead {
		n.Content[i] = other
		if keep() {
			return
		}
	}
	n.Content[i] = child
	s.node(child, keep)
}

// said is the first thing that findings say, without its place.
func said(findings string) string {
	_, words, _ := strings.Cut(findings, "error: ")
	words, _, _ = strings.Cut(words, " [")
	return strings.TrimRight(words, "0123456789")
}

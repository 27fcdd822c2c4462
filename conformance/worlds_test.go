package conformance

import (
	"fmt"
	"strings"
)

// The benchmarks' definitions.

// wide is a definition of n imports with k keys each, all different, or the
// same k keys in all.
func wide(n, k int, same bool) question {
	q := question{Root: "p/root", Texts: map[string]string{}}
	for i := range n {
		var b strings.Builder
		b.WriteString("values:\n")
		for j := range k {
			if same {
				fmt.Fprintf(&b, "  key%d: value-%d-%d\n", j, i, j)
			} else {
				fmt.Fprintf(&b, "  key%d_%d: value-%d-%d\n", i, j, i, j)
			}
		}
		q.Texts[importName(i)] = b.String()
	}
	q.Text = importAll(n) + "values: {own: 1}\n"
	return q
}

func importName(i int) string { return fmt.Sprintf("p/i%d", i) }

func importAll(n int) string {
	var b strings.Builder
	b.WriteString("imports:\n")
	for i := range n {
		b.WriteString("- " + importName(i) + "\n")
	}
	return b.String()
}

// oneFile is a definition of n keys.
func oneFile(n int) question {
	q := wide(1, n, false)
	return question{Root: q.Root, Text: q.Texts[importName(0)], Texts: map[string]string{}}
}

// chain is n definitions of k keys, each of which imports the one before.
func chain(n, k int) question {
	q := wide(n, k, false)
	for i := 1; i < n; i++ {
		q.Texts[importName(i)] = "imports: [" + importName(i-1) + "]\n" + q.Texts[importName(i)]
	}
	q.Text = "imports: [" + importName(n-1) + "]\nvalues: {own: 1}\n"
	return q
}

// oneObject is n imports that add k keys each to one object.
func oneObject(n, k int) question {
	q := wide(n, k, false)
	for name, text := range q.Texts {
		q.Texts[name] = strings.Replace(strings.ReplaceAll(text, "\n  ", "\n    "), "values:\n", "values:\n  environmentVariables:\n", 1)
	}
	return q
}

// interpolations is n strings made of another one.
func interpolations(n int) question {
	var b strings.Builder
	b.WriteString("values:\n  base: {name: world}\n")
	for i := range n {
		fmt.Fprintf(&b, "  key%d: hello ${base.name} %d\n", i, i)
	}
	return question{Root: "p/root", Text: b.String(), Texts: map[string]string{}}
}

package mask

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzWriter holds a Writer against a plain reading of what the package
// promises: every byte of every occurrence is gone, runs that overlap are one
// Replacement, all else is unchanged, and the split does not matter.
func FuzzWriter(f *testing.F) {
	f.Add("hunter2hunter2", "hunter2hunter2secret", "", []byte("xhunter2hunter2secrehunter2hunter2"), []byte{1, 3, 7})
	f.Add("abcdefgh", "efghijkl", "hij", []byte("abcdefghijklabcdefg"), []byte{4})
	f.Add("aaaaaaab", "baaaaaaaaaac", "aaab", []byte("aaaaaaaaaaabaaaaaaaaaac"), []byte{1})
	f.Add("line one of it\nline two of it", "%41%42%43", "a b\n", []byte("line one of it\r\nline two of it"), []byte{2, 9})
	f.Fuzz(func(t *testing.T, a, b, marked string, text, sizes []byte) {
		set := NewSet(a, b)
		set.AddSecrets(Secret{Text: marked, Marked: true})
		want := plainly(set.index.Load().sorted, text)
		var out bytes.Buffer
		w := NewWriter(&out, set)
		for i, rest := 0, text; len(rest) > 0; i++ {
			n := len(rest)
			if len(sizes) > 0 {
				n = min(n, int(sizes[i%len(sizes)])%32+1)
			}
			if _, err := w.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("secrets %q, %q and %q\ntext %q\n got %q\nwant %q", a, b, marked, text, out.String(), want)
		}
		for _, needle := range set.index.Load().sorted {
			if !strings.Contains(Replacement, needle) && !strings.ContainsAny(needle, "[]") && strings.Contains(out.String(), needle) {
				t.Errorf("%q is in the output", needle)
			}
		}
	})
}

// plainly is the specification, too slow to use.
func plainly(needles []string, text []byte) string {
	end := make([]int, len(text)) // of the longest needle at each position
	for i := range text {
		for _, needle := range needles {
			if bytes.HasPrefix(text[i:], []byte(needle)) {
				end[i] = max(end[i], i+len(needle))
			}
		}
	}
	var out strings.Builder
	covered := 0
	for i, c := range text {
		if end[i] > 0 {
			if i >= covered {
				out.WriteString(Replacement)
			}
			covered = max(covered, end[i])
		}
		if i >= covered {
			out.WriteByte(c)
		}
	}
	return out.String()
}

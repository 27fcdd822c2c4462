package mask

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
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
		var needles []string
		if x := set.look(); x != nil {
			needles = x.sorted
		}
		want := plainly(needles, text)
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
		for _, needle := range needles {
			if !strings.Contains(Replacement, needle) && !strings.ContainsAny(needle, "[]") && strings.Contains(out.String(), needle) {
				t.Errorf("%q is in the output", needle)
			}
		}
	})
}

// FuzzForms has the standard library write a secret, alone and among other
// bytes, and looks for what it wrote in the output.
func FuzzForms(f *testing.F) {
	f.Add("correct-horse-battery", "alice:", "\n")
	f.Add("p@ss/w0rd+=\"'\\$`<&>", "a", "bc")
	f.Add("zw\u00f6lf gr\u00fcne B\u00e4ume\u2028", "", "x")
	f.Add("line one of it\nline two of it", "ab", "")
	f.Fuzz(func(t *testing.T, text, before, after string) {
		secret := tidy(text)
		if !maskable(secret, false) || !utf8.ValidString(secret) {
			return
		}
		quoted, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{
			secret, unquote(string(quoted)), unquote(strconv.Quote(secret)), unquote(strconv.QuoteToASCII(secret)),
			url.QueryEscape(secret), url.PathEscape(secret), decided(base64.StdEncoding, before, secret, after), decided(base64.URLEncoding, before, secret, after),
		} {
			var out bytes.Buffer
			w := NewWriter(&out, NewSet(text))
			if _, err := w.Write([]byte(before + form + after)); err != nil {
				t.Fatal(err)
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			if len(form) >= Shortest && !strings.Contains(Replacement, form) && strings.Contains(out.String(), form) {
				t.Errorf("%q shows as %q in %q", secret, form, out.String())
			}
		}
	})
}

// decided returns the characters that secret alone decides in what is encoded
// of it and what is before and after it.
func decided(enc *base64.Encoding, before, secret, after string) string {
	text := enc.EncodeToString([]byte(before + secret + after))
	from := (len(before)*8 + 5) / 6
	return text[from:max(from, (len(before)+len(secret))*8/6)]
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

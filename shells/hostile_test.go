package shells_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// pieces have broken the quoting of some shell, or look as if they could.
var pieces = []string{
	// quotes and backslashes of every family, csh's and fish's escapes included
	"'", "''", `\`, `\\`, `\'`, `'\''`, `"`, `\"`, "`", "``", `'"'"'`, "$'\\x41'", `\x41`, `\X41`, `\u0041`, `\U00000041`, `\101`, `\cA`, `\e`, `\n`,
	`'\!'`, `\!`, "\\\n", "'\\\n'", "\u2018", "\u2019", "\u201c",
	// expansion
	"$", "$$", "$(id)", "`id`", "${HOME}", "$HOME", "$'a'", `$"a"`, "$((1))", "${(e)x}", "$<", "$?x", ":q", ":x", "{a,b}", "{", "}", "*", "?", "[a]", "[", "~", "~root/", "**/", "^", "#", "%", "%s", "%n",
	// history
	"!", "!!", "!$", "!-1", "!?a?", "^a^b^",
	// what ends a word or a command
	"\n", "\n\n", "\r", "\r\n", "\t", "\v", "\f", " ", "  ", ";", "&", "&&", "|", "||", "<", ">", "(", ")", "<<EOF", "\nEOF\n", "end", "fi", "esac", "'; id; '", "\"; id; \"", "\nid\n",
	// what a command takes for an option or an assignment
	"-n", "--", "-", "+x", "=", "==", "a=b", "-e",
	// control bytes
	"\x01", "\x03", "\x04", "\x07", "\x08", "\x1a", "\x1b", "\x1b[31m", "\x1b]0;t\x07", "\x7f", "\x84", "\x88", "\x9b", "\xa0",
	// UTF-8 at its edges, and beyond them
	"\xc3\xa9", "e\u0301", "\u0085", "\u00a0", "\u200b", "\u2028", "\u2029", "\u202e", "\u3000", "\ufdd0", "\ufeff", "\ufffd", "\ufffe", "\uffff", "\U0001f600", "\U0010ffff",
	"\ue000", "\uf600", "\uf6ff", "\uf700", "\uf710", "\uf8ff", "\U000f0000", // where fish and tcsh keep what they cannot decode
	"\xff", "\xfe", "\xc3", "\xc0\x80", "\xe2\x80", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x9f\x98", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\x80",
}

// hostile makes values of what has broken quoting somewhere, and of noise.
func hostile(r *rand.Rand, n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = hostileValue(r)
	}
	values[0] = ""
	if n > 1 {
		values[1] = long(r)
	}
	return values
}

func hostileValue(r *rand.Rand) string {
	switch r.IntN(16) {
	case 0: // noise
		return noise(r, r.IntN(24))
	case 1: // many of a kind
		return strings.Repeat(pieces[r.IntN(len(pieces))], 1+r.IntN(20))
	case 2: // a word, and what is in its way at either end
		return pieces[r.IntN(len(pieces))] + "word" + pieces[r.IntN(len(pieces))]
	case 3: // every byte once
		return noise(r, 0) + everyByte(r)
	}
	var b strings.Builder
	for range r.IntN(8) {
		if r.IntN(4) > 0 {
			b.WriteString(pieces[r.IntN(len(pieces))])
		} else {
			b.WriteByte(byte(1 + r.IntN(255)))
		}
	}
	return b.String()
}

func noise(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(1 + r.IntN(255))
	}
	return string(b)
}

func everyByte(r *rand.Rand) string {
	b := make([]byte, 255)
	for i, n := range r.Perm(255) {
		b[i] = byte(n + 1)
	}
	return string(b)
}

// long is about as long as the hook lets a value be.
func long(r *rand.Rand) string {
	var b strings.Builder
	for b.Len() < 90<<10 {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

// TestHostileValuesAreHostile holds the generator to what the tests that use
// it are for.
func TestHostileValuesAreHostile(t *testing.T) {
	values := hostile(rand.New(rand.NewPCG(1, 1)), 8_000)
	var bytes [256]bool
	first, last := map[byte]bool{}, map[byte]bool{}
	invalid := 0
	for _, value := range values {
		for i := range len(value) {
			bytes[value[i]] = true
		}
		if value != "" {
			first[value[0]], last[value[len(value)-1]] = true, true
		}
		if !utf8.ValidString(value) {
			invalid++
		}
	}
	all := strings.Join(values, "\x00")
	for _, piece := range pieces {
		if !strings.Contains(all, piece) {
			t.Errorf("%q never comes", piece)
		}
	}
	for n := 1; n < 256; n++ {
		if !bytes[n] || !first[byte(n)] || !last[byte(n)] {
			t.Errorf("byte %#x is not everywhere", n)
		}
	}
	if bytes[0] || invalid < len(values)/10 || invalid > len(values)*9/10 || len(values[1]) < 64<<10 {
		t.Errorf("%d of %d are not UTF-8; NUL: %v; the longest has %d bytes", invalid, len(values), bytes[0], len(values[1]))
	}
}

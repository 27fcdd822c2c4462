package mask

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// forms returns the ways in which programs print secret, each at least
// Shortest long unless the secret itself is shorter; some may be there twice.
// White space around it is no part of it.
func forms(secret string, marked bool) []string {
	secret = tidy(secret)
	switch {
	case !maskable(secret, marked):
		return nil
	case len(secret) < Shortest:
		return escaped(secret)
	}
	all := append(escaped(secret), inBase64(secret)...)
	if strings.Contains(secret, "\n") {
		for line := range strings.SplitSeq(secret, "\n") {
			if line = strings.TrimSpace(line); !trivial(line) {
				all = append(all, escaped(line)...)
			}
		}
	}
	for _, form := range all {
		if strings.Contains(form, "\n") { // as a terminal prints it
			all = append(all, strings.ReplaceAll(form, "\n", "\r\n"))
		}
	}
	return slices.DeleteFunc(all, func(form string) bool { return len(form) < Shortest })
}

// tidy returns what of a secret is looked for.
func tidy(secret string) string { return strings.TrimSpace(strings.ReplaceAll(secret, "\r\n", "\n")) }

// maskable reports whether a secret without white space around it has forms.
func maskable(secret string, marked bool) bool {
	return len(secret) >= ShortestMarked && (marked || !trivial(secret))
}

// escaped returns s as it is and as JSON, Go, shells and URLs write it. A
// command waits for this, and most secrets are written alike by most of them.
func escaped(s string) []string {
	all := append([]string{s}, inURL(s)...)
	if quoted(s) {
		return slices.Concat(all, inJSON(s), inGo(s), inShell(s))
	}
	return append(all, slashed(s))
}

// quoted reports whether a language or a shell writes s otherwise than it is,
// apart from its slashes.
func quoted(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || strings.IndexByte(shellSpecial, s[i]) >= 0 {
			return true
		}
	}
	return false
}

// slashed returns s as PHP has it in JSON.
func slashed(s string) string { return strings.ReplaceAll(s, "/", `\/`) }

func inJSON(s string) []string {
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		return nil // a string always encodes
	}
	bare := unquote(strings.TrimSuffix(plain.String(), "\n"))
	html, _ := json.Marshal(s)
	all := []string{bare, unquote(string(html))}
	return append(all, slashed(all[0]), slashed(all[1]))
}

func inGo(s string) []string {
	return []string{unquote(strconv.Quote(s)), unquote(strconv.QuoteToASCII(s))}
}

func unquote(s string) string { return s[1 : len(s)-1] }

// inShell returns s as it stands between single quotes, between double
// quotes, and with a backslash before whatever means something.
func inShell(s string) []string {
	double := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`")
	return []string{
		strings.ReplaceAll(s, `'`, `'\''`),
		strings.ReplaceAll(s, `'`, `'"'"'`),
		double.Replace(s),
		backslashed(s),
	}
}

// shellSpecial are the characters of ASCII that mean something to a shell; among
// them are those that JSON and Go do not write as they are.
const shellSpecial = " \t!\"#$&'()*,;<>?[\\]^`{|}"

func backslashed(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(shellSpecial, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// inURL returns s percent-encoded, where that is something else: all of it, as
// paths are, as JavaScript's two functions do, and as in a query, where a space
// is a plus.
func inURL(s string) []string {
	var all, done []string
	reserved := reservedIn(s)
	for _, keep := range []string{"", "/", "$&+=:@", "!*'()", "!*'();/?:@&=+$,#"} {
		touched := without(reserved, keep)
		if touched == "" || slices.Contains(done, touched) {
			continue
		}
		done = append(done, touched)
		for _, digits := range []string{"0123456789ABCDEF", "0123456789abcdef"} {
			text := percent(s, touched, digits)
			all = append(all, text)
			if keep == "" && strings.Contains(s, " ") {
				all = append(all, strings.ReplaceAll(text, "%20", "+"))
			}
		}
	}
	return all
}

// reservedIn returns the bytes in s that URLs do not write as they are, each once.
func reservedIn(s string) string {
	var found []byte
	for i := range len(s) {
		c := s[i]
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~", c) >= 0
		if !plain && bytes.IndexByte(found, c) < 0 {
			found = append(found, c)
		}
	}
	return string(found)
}

// without returns s without the bytes that are in set.
func without(s, set string) string {
	var left []byte
	for i := range len(s) {
		if strings.IndexByte(set, s[i]) < 0 {
			left = append(left, s[i])
		}
	}
	return string(left)
}

// percent encodes those bytes of s that are in set.
func percent(s, set, digits string) string {
	b := make([]byte, 0, len(s)+len(s)/4)
	for i := range len(s) {
		if c := s[i]; strings.IndexByte(set, c) >= 0 {
			b = append(b, '%', digits[c>>4], digits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

// inBase64 returns what of s is recognisable in base64: encoded on its own,
// whole and in lines, and as a part of something longer.
func inBase64(s string) []string {
	var all []string
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		whole := enc.EncodeToString([]byte(s))
		all = append(all, whole, strings.TrimRight(whole, "="))
		for before := range 3 {
			all = append(all, inner(enc, s, before))
		}
		for _, width := range []int{64, 76} {
			for start := 0; len(whole) > width && start < len(whole); start += width {
				all = append(all, whole[start:min(start+width, len(whole))])
			}
		}
	}
	return all
}

// inner returns the characters that s alone decides when it is encoded with
// before bytes (modulo 3) before it and anything after it.
func inner(enc *base64.Encoding, s string, before int) string {
	text := enc.WithPadding(base64.NoPadding).EncodeToString([]byte("\x00\x00"[:before] + s))
	if (before+len(s))%3 != 0 {
		text = text[:len(text)-1]
	}
	if before > 0 {
		text = text[before+1:]
	}
	return text
}

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
// Shortest long unless the secret itself is shorter. White space around it is
// no part of it.
func forms(secret string, marked bool) []string {
	secret = strings.TrimSpace(strings.ReplaceAll(secret, "\r\n", "\n"))
	switch {
	case len(secret) < ShortestMarked, !marked && trivial(secret):
		return nil
	case len(secret) < Shortest:
		return distinct(escaped(secret))
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
	return slices.DeleteFunc(distinct(all), func(form string) bool { return len(form) < Shortest })
}

func distinct(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

// escaped returns s as it is and as JSON, Go, shells and URLs write it.
func escaped(s string) []string {
	return slices.Concat([]string{s}, inJSON(s), inGo(s), inShell(s), inURL(s))
}

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
	for _, form := range all[:2] {
		all = append(all, strings.ReplaceAll(form, "/", `\/`)) // as PHP does
	}
	return all
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

func backslashed(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(" \t!\"#$&'()*,;<>?[\\]^`{|}", s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// inURL returns s percent-encoded: all of it, as paths are, as JavaScript's two
// functions do, and as in a query, where a space is a plus.
func inURL(s string) []string {
	var all []string
	for _, digits := range []string{"0123456789ABCDEF", "0123456789abcdef"} {
		all = append(all, strings.ReplaceAll(percent(s, "", digits), "%20", "+"))
		for _, keep := range []string{"", "/", "$&+=:@", "!*'()", "!*'();/?:@&=+$,#"} {
			all = append(all, percent(s, keep, digits))
		}
	}
	return all
}

// percent encodes all of s but unreserved characters and those in keep.
func percent(s, keep, digits string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			strings.IndexByte("-_.~", c) >= 0, strings.IndexByte(keep, c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
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

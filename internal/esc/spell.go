package esc

import "strings"

// DidYouMean returns a hint that names the one of words that is nearest to
// what was written, or "" if none is near. There may be as many words as a
// definition has keys: those that cannot be near are not compared, and among
// too many that can, none is named.
func DidYouMean(written string, words []string) string {
	const longest, most = 64, 1000
	best, nearest := "", 1+max(1, len(written)/3)
	var near []string
	for _, word := range words {
		if difference := len(word) - len(written); max(difference, -difference) < nearest {
			near = append(near, word)
		}
	}
	if len(written) > longest || len(near) > most {
		return ""
	}
	for _, word := range near {
		d := editDistance(strings.ToLower(written), strings.ToLower(word))
		if d >= len(written) {
			continue // they share nothing
		}
		if d < nearest || d == nearest && best != "" && word < best {
			best, nearest = word, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// editDistance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b.
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = last[j-1]
			if a[i-1] != b[j-1] {
				row[j] = 1 + min(last[j-1], last[j], row[j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], 1+before[j-2])
			}
		}
	}
	return row[len(b)]
}

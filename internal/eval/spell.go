package eval

import (
	"sort"
	"strings"
)

// didYouMean returns a hint that names the word nearest to what was written,
// or "" if none is near.
func didYouMean(written string, words []string) string {
	const longest = 64
	if len(written) > longest {
		return ""
	}
	sort.Strings(words)
	best, distance := "", 1+max(1, len(written)/3)
	for _, word := range words {
		if len(word) > longest {
			continue
		}
		if d := editDistance(strings.ToLower(written), strings.ToLower(word)); d < distance {
			best, distance = word, d
		}
	}
	if best == "" {
		return ""
	}
	return `did you mean "` + best + `"?`
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

package eval

import "github.com/escenv/escenv/internal/esc"

// didYouMean returns a hint that names the word nearest to what was written,
// or "". Words that cannot be near are not even compared: there may be as many
// as a definition has keys.
func didYouMean(written string, words []string) string {
	var near []string
	for _, word := range words {
		if difference := len(word) - len(written); max(difference, -difference) <= 1+len(written)/3 {
			near = append(near, word)
		}
	}
	return esc.DidYouMean(written, near)
}

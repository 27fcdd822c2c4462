package eval

import "github.com/escenv/escenv/internal/esc"

// didYouMean returns a hint that names the word nearest to what was written,
// or "". Words that cannot be near are not even compared, and nothing is among
// too many: there may be as many as a definition has keys.
func didYouMean(written string, words []string) string {
	const most = 1000
	var near []string
	for _, word := range words {
		if difference := len(word) - len(written); max(difference, -difference) <= 1+len(written)/3 {
			near = append(near, word)
		}
	}
	if len(near) > most {
		return ""
	}
	return esc.DidYouMean(written, near)
}

package hooks_test

import (
	"slices"
	"testing"
)

// A scenario happens in every shell that it fits. Each begins outside any
// project, with shop/.escenv and prod/.escenv allowed.
type scenario struct {
	name string
	play func(s *shell)
	fits func(speech) bool // nil if it fits every shell
}

// scenarios are all there are.
var scenarios = slices.Concat(moving, variables, following, guesting, seeing)

// enough is how many each shell takes part in, at least.
const enough = 40

func TestScenarios(t *testing.T) {
	for _, name := range shellNames {
		played := 0
		for _, scenario := range scenarios {
			if scenario.fits != nil && !scenario.fits(speeches[name]) {
				continue
			}
			played++
			t.Run(name+"/"+scenario.name, func(t *testing.T) {
				t.Parallel()
				h := newHouse(t)
				h.escenv("shop", "allow", "--yes")
				h.escenv("prod", "allow", "--yes")
				scenario.play(h.start(t, name, "out", "", ""))
			})
		}
		if played < enough {
			t.Errorf("%s takes part in %d scenarios", name, played)
		}
	}
}

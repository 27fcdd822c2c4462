package conformance

import (
	"context"
	"testing"
)

// BenchmarkShapes opens the same definitions with both. Compare the lines of
// one run; the machine's mood is in all of them.
func BenchmarkShapes(b *testing.B) {
	for _, shape := range []struct {
		name string
		question
	}{
		{"one_file_1000", oneFile(1000)},
		{"imports_10x100", wide(10, 100, false)},
		{"imports_100x10", wide(100, 10, false)},
		{"imports_200x10", wide(200, 10, false)},
		{"overrides_100x10", wide(100, 10, true)},
		{"chain_100x10", chain(100, 10)},
		{"one_object_100x10", oneObject(100, 10)},
		{"interpolations_1000", interpolations(1000)},
	} {
		for _, who := range []struct {
			name string
			open func(context.Context, question) error
		}{{"upstream", openReference}, {"escenv", openOurs}} {
			b.Run(shape.name+"/"+who.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := who.open(b.Context(), shape.question); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// TestAllocations: many small imports take at most a quarter of upstream's
// allocations.
func TestAllocations(t *testing.T) {
	for name, q := range map[string]question{"100x10": wide(100, 10, false), "200x10": wide(200, 10, false)} {
		t.Run(name, func(t *testing.T) {
			count := func(open func(context.Context, question) error) float64 {
				return testing.AllocsPerRun(2, func() {
					if err := open(t.Context(), q); err != nil {
						t.Fatal(err)
					}
				})
			}
			ours, theirs := count(openOurs), count(openReference)
			t.Logf("%.0f of %.0f", ours, theirs)
			if 4*ours > theirs {
				t.Errorf("%.0f allocations are more than a quarter of %.0f", ours, theirs)
			}
		})
	}
}

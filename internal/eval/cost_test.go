package eval

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/esc"
)

// A world is a Loader of texts by name. The definition "p/root" is opened.
type world map[string]string

func (w world) LoadRef(ctx context.Context, _ esc.Ref) (*Source, error) {
	return w.Load(ctx, "p/root", nil)
}

func (w world) Load(_ context.Context, name string, _ *Source) (*Source, error) {
	text, ok := w[name]
	if !ok {
		return nil, esc.Errorf(esc.NotFound, "there is no definition %s", name)
	}
	return &Source{Name: name, Text: []byte(text)}, nil
}

// numbered writes text n times, with 0, 1, 2, ... for each #.
func numbered(n int, text string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(text, "#", strconv.Itoa(i)))
	}
	return b.String()
}

func alone(values string) world { return world{"p/root": "values:\n" + values} }

// importing is a definition that imports n others, and has values of its own.
func importing(n int, values string) world {
	return world{"p/root": "imports:\n" + numbered(n, "- p/i#\n") + "values:\n" + values}
}

// add gives w the definition p/i<i>.
func (w world) add(i int, imports, values string) {
	w[fmt.Sprintf("p/i%d", i)] = "imports: [" + imports + "]\nvalues:\n" + strings.ReplaceAll(values, "#", strconv.Itoa(i))
}

// shapes are what definitions grow in.
var shapes = []struct {
	name string
	n    int
	make func(n int) world
}{
	{"depth", 25, func(n int) world {
		return alone("  a: " + strings.Repeat("{k: ", n) + "1" + strings.Repeat("}", n) + "\n  b: ${a" + strings.Repeat(".k", n) + "}\n")
	}},
	{"width", 400, func(n int) world { return alone(numbered(n, "  key#: value #\n")) }},
	{"list", 400, func(n int) world {
		return alone("  list:\n" + numbered(n, "  - {name: value #}\n") + "  all: ${list}\n" + numbered(n, "  at#: ${list[#].name}\n"))
	}},
	{"interpolation", 400, func(n int) world {
		return alone("  base: {name: x}\n" + numbered(n, "  key#: ${base.name} and ${base.name} #\n"))
	}},
	{"references to references", 200, func(n int) world {
		text := "  key0: x\n"
		for i := range n {
			text += fmt.Sprintf("  key%d: ${key%d}\n", i+1, i)
		}
		return alone(text)
	}},
	{"imports, wide", 60, func(n int) world {
		w := importing(n, numbered(n, "  own#: ${key#} ${both} ${object.at#}\n"))
		for i := range n {
			w.add(i, "", "  key#: value\n  both: ${key#}\n  object: {at#: 1}\n")
		}
		return w
	}},
	{"chain", 50, func(n int) world {
		w := world{"p/root": fmt.Sprintf("imports: [p/i%d]\nvalues: {own: \"${key0} ${object.at0}\"}\n", n-1)}
		w.add(0, "", "  key0: value\n  object: {at0: 1}\n")
		for i := 1; i < n; i++ {
			w.add(i, fmt.Sprintf("p/i%d", i-1), fmt.Sprintf("  key#: ${key0} ${key%d}\n  object: {at#: 1}\n", i-1))
		}
		return w
	}},
	{"diamond", 30, func(n int) world {
		w := importing(2, "  own: ${key0}\n")
		for i := range 2 * n {
			below := ""
			if next := i/2*2 + 2; next < 2*n {
				below = fmt.Sprintf("p/i%d, p/i%d", next, next+1)
			}
			w.add(i, below, "  key#: ${same}\n  same: x\n  object: {at#: 1}\n")
		}
		return w
	}},
	{"overrides", 60, func(n int) world {
		w := importing(n, "  key0: mine\n")
		for i := range n {
			w.add(i, "", "  key0: value\n  key1: ${key0} #\n  object: {same: {at: #}}\n")
		}
		return w
	}},
}

// A cost is what opening takes: values computed, layers looked through for a
// name, allocations and their bytes.
type cost struct{ steps, looks, allocations, bytes float64 }

func costOf(t *testing.T, w world) (c cost) {
	t.Helper()
	open := func() {
		req := esc.Request{Want: esc.WantAll}
		r, err := (&Evaluator{Loader: w}).begin(t.Context(), esc.Ref{}, make(chan struct{}, maxParallel), looking())
		if err != nil {
			t.Fatal(err)
		}
		defer r.cancel()
		if err := r.look(req); err != nil {
			t.Fatal(err)
		}
		c.steps, c.looks = float64(r.steps), float64(r.looks)
		r.restart()
		if err := r.demand(&esc.Environment{}, req); err != nil {
			t.Fatal(err)
		}
		c.steps, c.looks = c.steps+float64(r.steps), c.looks+float64(r.looks)
	}
	c.allocations = testing.AllocsPerRun(3, open)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	open()
	runtime.ReadMemStats(&after)
	c.bytes = float64(after.TotalAlloc - before.TotalAlloc)
	return c
}

// TestCostIsAStraightLine opens what is twice as large: that may take a little
// more than twice of everything, and no more.
func TestCostIsAStraightLine(t *testing.T) {
	const most = 2.5
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			small, large := costOf(t, shape.make(shape.n)), costOf(t, shape.make(2*shape.n))
			for _, c := range []struct {
				of           string
				small, large float64
			}{
				{"steps", small.steps, large.steps},
				{"looks", small.looks, large.looks},
				{"allocations", small.allocations, large.allocations},
				{"bytes", small.bytes, large.bytes},
			} {
				ratio := (c.large + 1) / (c.small + 1)
				t.Logf("%.0f %s, %.2f times as many", c.large, c.of, ratio)
				if ratio >= most {
					t.Errorf("twice as much takes %.2f times the %s", ratio, c.of)
				}
			}
		})
	}
}

// TestWhatIsReadIsCounted: what reads a large value again and again, and makes
// nothing of it, comes to an end all the same.
func TestWhatIsReadIsCounted(t *testing.T) {
	large := "  s: '" + strings.Repeat("[1,", 80_000) + "'\n  l: [" + strings.Repeat(`"${s}",`, 15) + "]\n"
	for _, each := range []string{
		`{fn::fromJSON: "${s}"}`, `{fn::fromYAML: "${s}"}`, `{fn::fromBase64: "${s}"}`, `{fn::toJSON: "${l}"}`, `{fn::toYAML: "${l}"}`,
		`{fn::toString: "${l}"}`, `{fn::join: ["", "${l}"]}`, `{fn::concat: ["${l}", "${l}"]}`, `"${l}${l}"`, `{fn::open::none: "${l}"}`,
	} {
		e := &Evaluator{Loader: alone(large + numbered(200, "  v#: "+each+"\n")), Providers: map[string]esc.Provider{"none": none{}}}
		r, err := e.begin(t.Context(), esc.Ref{}, make(chan struct{}, maxParallel), mode{checking: true, lenient: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.checkAll(); err == nil || !r.exhausted || r.made > 2*maxMade {
			t.Errorf("%s: %d bytes were read, %.200v", each, r.made, err)
		}
		r.cancel()
	}
}

// none is a provider that takes nothing.
type none struct{ esc.Provider }

func (none) Check(esc.Value) esc.Diagnostics { return esc.Diagnostics{{Summary: "no"}} }

// TestAMistakeCostsLittle: to find its place, a text is not read again and
// again.
func TestAMistakeCostsLittle(t *testing.T) {
	good := "values:\n" + numbered(1000, "  key#: {a: 1, b: [x, y]}\n")
	half := strings.LastIndexByte(good[:len(good)/2], '\n') + 1
	cost := func(text string) float64 {
		return testing.AllocsPerRun(2, func() { Lint(&Source{Name: "p/root", Text: []byte(text)}) })
	}
	most := 2 * cost(good)
	for want, text := range map[string]string{
		"p/root:1002:6: not YAML: did not find expected node content":          good + "  x: [\n",
		"p/root:503:7: not YAML: did not find expected ',' or '}'":             good[:half] + "  x: {a: b\n" + good[half:],
		"p/root:1002:1: not YAML: found character that cannot start any token": good + "\tx: 1\n",
		"p/root:1002:7: not YAML: found unknown escape character":              good + "  x: \"\\q\"\n",
		"p/root:1:1: not YAML: found unknown escape character":                 "values: {a: [" + strings.Repeat("x,", 10_000) + "], b: \"\\q\"}\n",
	} {
		if got := Lint(&Source{Name: "p/root", Text: []byte(text)}).Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if n := cost(text); n > most {
			t.Errorf("%s: %.0f allocations, at most %.0f", want, n, most)
		}
	}
}

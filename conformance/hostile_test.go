package conformance

import (
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// hostile is texts of up to 1 MiB that people who mean no good might write.
func hostile() map[string]string {
	const size = 1 << 20
	fill := func(before, repeated, after string) string {
		return before + strings.Repeat(repeated, (size-len(before)-len(after))/len(repeated)) + after
	}
	some := func(before, repeated string, n int, after string) string {
		return before + strings.Repeat(repeated, n) + after
	}
	return map[string]string{
		"open lists":                fill("", "[", ""),
		"open objects":              fill("", "{", ""),
		"deep flow objects":         fill("", "{a: ", ""),
		"deep block lists":          fill("", "- ", "x"),
		"deep block objects":        fill("", "a:\n ", ""),
		"question marks":            fill("", "? ", "x"),
		"colons":                    fill("", ": ", ""),
		"commas":                    fill("[", ",", "]"),
		"items":                     fill("values:\n  a:\n", "  - x\n", ""),
		"flow items":                fill("values: {a: [", "x,", "]}"),
		"pairs":                     fill("values:\n", "  a: 1\n", ""),
		"empty lists":               fill("values: {a: [", "[],", "]}"),
		"long key":                  fill("values:\n  ", "k", ": 1\n"),
		"long quoted key":           fill("values:\n  \"", "k", "\": 1\n"),
		"long scalar":               fill("values:\n  a: ", "v", "\n"),
		"long quoted scalar":        fill("values:\n  a: \"", "\\n", "\"\n"),
		"long block scalar":         fill("values:\n  a: |\n", "    x\n", ""),
		"folded scalar":             fill("values:\n  a: >\n", "    x\n\n", ""),
		"open quote":                fill("values:\n  a: \"", "v ", ""),
		"comments":                  fill("values: {} ", "#\n", ""),
		"blank lines":               fill("values: {a: 1}\n", "\n", ""),
		"spaces":                    fill("values: {a: 1}\n", " ", ""),
		"anchors":                   fill("values:\n", "  - &a 1\n", ""),
		"anchors in a row":          fill("values: [", "&a ,", "]"),
		"aliases":                   fill("a: &a x\nvalues: [", "*a,", "]"),
		"billion laughs":            "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nvalues: {d: [*c,*c,*c,*c,*c,*c,*c]}\n",
		"tags":                      fill("values: [", "!t x,", "]"),
		"documents":                 fill("", "---\nx\n", ""),
		"directives":                fill("", "%TAG ! x\n", ""),
		"control characters":        fill("values: {a: \"", "\x01", "\"}"),
		"not UTF-8":                 fill("values: {a: ", "\xff", "}"),
		"references in one string":  fill("values: {a: x, b: \"", "${a}", "\"}"),
		"references, one each":      fill("values:\n  b:\n", "  - ${b}\n", ""),
		"a long path":               fill("values: {a: \"${a", ".a", "}\"}"),
		"a long path of indices":    fill("values: {a: \"${a", "[0]", "}\"}"),
		"open references":           fill("values: {a: '", "${", "'}"),
		"open subscripts":           fill("values: {a: '", "${a[", "'}"),
		"dollars":                   fill("values: {a: '", "$", "'}"),
		"imports":                   fill("imports:\n", "- p/a\n", ""),
		"imports, all different":    "imports:\n" + lines(20_000, "- p/i%d\n"),
		"calls":                     fill("values: {a: ", "{fn::toJSON: ", ""),
		"calls, side by side":       fill("values:\n  a:\n", "  - {fn::toJSON: x}\n", ""),
		"unknown names":             "values:\n" + lines(40_000, "  a%d: ${b}\n"),
		"mistakes in one long line": "values: {" + lines(10_000, "a%d: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', b%d: '${c}', ") + "}\n",
		"a chain of references":     "values:\n  a0: x\n" + chainOfReferences(20_000),
		"doubling":                  doublings(60),
		"escapes":                   fill("values: {a: \"", "\\U0001F4A5", "\"}"),
		"numbers":                   fill("values: {a: 1", "0", "}"),
		"JSON in JSON":              "values:\n  a: {fn::fromJSON: '" + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000) + "'}\n",
		"JSON of many":              "values:\n  a: {fn::fromJSON: '[" + strings.Repeat("1,", 120_000) + "1]'}\n",
		"a pattern":                 "values:\n  a: {fn::validate: {schema: {type: string, pattern: '" + strings.Repeat("(x+x+)+", 1000) + "y'}, value: '" + strings.Repeat("x", 10_000) + "'}}\n",
		"split into many":           some("values:\n  a: {fn::split: ['', \"", "x", 200_000, "\"]}\n"),
		"all that is allowed":       "values:\n" + lines(24_000, "  key%d: ${key0}\n"),
	}
}

func lines(n int, format string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(format, "%d", strconv.Itoa(i)))
	}
	return b.String()
}

func chainOfReferences(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("  a" + strconv.Itoa(i+1) + ": ${a" + strconv.Itoa(i) + "}\n")
	}
	return b.String()
}

func doublings(n int) string {
	var b strings.Builder
	b.WriteString("values:\n  a0: x\n")
	for i := range n {
		b.WriteString("  a" + strconv.Itoa(i+1) + ": ${a" + strconv.Itoa(i) + "}${a" + strconv.Itoa(i) + "}\n")
	}
	return b.String()
}

// TestHostile answers each in less than 64 MiB, all allocations together.
func TestHostile(t *testing.T) {
	const most = 64 << 20
	for _, name := range sortedKeys(hostile()) {
		text := hostile()[name]
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		err := openOurs(t.Context(), question{Root: "p/root", Text: text})
		runtime.ReadMemStats(&after)
		used := after.TotalAlloc - before.TotalAlloc
		t.Logf("%-26s %7d KiB: %5.1f MiB, %.90v", name, len(text)>>10, float64(used)/(1<<20), err)
		if used > most {
			t.Errorf("%s: %d MiB were used", name, used>>20)
		}
	}
}

// BenchmarkHostile times them. Upstream is not asked: 8 KiB of "[" take it
// half a minute and 32 GiB.
func BenchmarkHostile(b *testing.B) {
	texts := hostile()
	for _, name := range sortedKeys(texts) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = openOurs(b.Context(), question{Root: "p/root", Text: texts[name]})
			}
		})
	}
}

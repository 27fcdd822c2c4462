package bench_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/mask"
)

// A peer is another program's masker: the package it is in, and how to make
// one. It is benchmarked in a copy of its module.
type peer struct {
	name, module, version string
	dir, pkg              string // of the package, below the module
	make                  string // a WriteCloser that writes to io.Discard and masks secrets
	only                  string // the one file of the package that is needed, if the rest cannot be had
}

var maskers = []peer{
	{
		"buildkite", "github.com/buildkite/agent/v3", "v3.137.0", "internal/replacer", "replacer",
		`flusher{New(io.Discard, secrets, func([]byte) []byte { return []byte("[REDACTED]") })}`, "",
	},
	{
		"esc", "github.com/pulumi/esc", "v0.26.0", "cmd/esc/cli", "cli",
		`newRedactor(io.Discard, newReplacer(secrets))`, "env_run.go",
	},
}

// peerBenchmark is the same as BenchmarkMask's own part.
const peerBenchmark = `package %s

import ("encoding/json"; "io"; "os"; "testing")

type bare interface { io.Writer; Flush() error }

type flusher struct{ bare }

func (f flusher) Close() error { return f.Flush() }

func BenchmarkPeer(b *testing.B) {
	text, _ := os.ReadFile(os.Getenv("PEER_TEXT"))
	list, _ := os.ReadFile(os.Getenv("PEER_SECRETS"))
	var secrets []string
	if err := json.Unmarshal(list, &secrets); err != nil || len(text) == 0 {
		b.Fatal("no input: ", err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		w := io.WriteCloser(%s)
		for start := 0; start < len(text); start += 4096 {
			if _, err := w.Write(text[start:min(start+4096, len(text))]); err != nil {
				b.Fatal(err)
			}
		}
		w.Close()
	}
}
`

// BenchmarkMask masks ordinary build output in which no secret stands, beside
// the maskers of others, which look for each secret in one form; escenv looks
// for it in all that programs print.
func BenchmarkMask(b *testing.B) {
	text := []byte(buildOutput(4 << 20))
	for _, count := range []int{20, 120} {
		secrets := randomSecrets(count)
		b.Run(fmt.Sprintf("secrets=%d/escenv", count), func(b *testing.B) {
			set := mask.NewSet(secrets...)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				w := mask.NewWriter(io.Discard, set)
				for start := 0; start < len(text); start += 4096 {
					if _, err := w.Write(text[start:min(start+4096, len(text))]); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Flush(); err != nil {
					b.Fatal(err)
				}
			}
		})
		for _, p := range maskers {
			b.Run(fmt.Sprintf("secrets=%d/%s", count, p.name), func(b *testing.B) { p.benchmark(b, text, secrets) })
		}
	}
}

// benchmark reports what a peer does in a second.
func (p peer) benchmark(b *testing.B, text []byte, secrets []string) {
	b.Helper()
	list, err := json.Marshal(secrets)
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	for name, data := range map[string][]byte{"text": text, "secrets": list} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", "BenchmarkPeer$", "-benchtime", "1s", "./"+p.dir)
	cmd.Dir = p.copy(b)
	cmd.Env = append(os.Environ(), "PEER_TEXT="+dir+"/text", "PEER_SECRETS="+dir+"/secrets", "GOFLAGS=-mod=mod")
	out, err := cmd.CombinedOutput()
	found := regexp.MustCompile(`([0-9.]+) MB/s`).FindSubmatch(out)
	if err != nil || found == nil {
		b.Fatalf("%v\n%s", err, out)
	}
	rate, _ := strconv.ParseFloat(string(found[1]), 64)
	b.ReportMetric(rate, "MB/s")
	b.ReportMetric(0, "ns/op")
}

// copy makes a copy of the peer's module with a benchmark in it, and returns
// its directory.
func (p peer) copy(b *testing.B) string {
	b.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", p.module+"@"+p.version)
	cmd.Dir = b.TempDir() // no module of ours is to hear of it
	out, err := cmd.Output()
	var module struct{ Dir string }
	if json.Unmarshal(out, &module) != nil || module.Dir == "" {
		b.Fatalf("downloading %s: %v\n%s", p.module, err, out)
	}
	dir := filepath.Join(b.TempDir(), p.name)
	for _, args := range [][]string{{"cp", "-r", module.Dir, dir}, {"chmod", "-R", "u+w", dir}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	if p.only != "" {
		keepMasker(b, filepath.Join(dir, p.dir), p.only)
	}
	file := filepath.Join(dir, p.dir, "zz_peer_test.go")
	if err := os.WriteFile(file, fmt.Appendf(nil, peerBenchmark, p.pkg, p.make), 0o600); err != nil {
		b.Fatal(err)
	}
	return dir
}

// maskerHeader is what those declarations need.
const maskerHeader = `package cli

import (
	"bytes"
	"io"

	aho_corasick "github.com/pgavlin/aho-corasick"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/contract"
)

`

// keepMasker leaves of a package the declarations of one file that are about
// masking: the rest needs modules that the proxy does not have.
func keepMasker(b *testing.B, dir, file string) {
	b.Helper()
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, filepath.Join(dir, file), nil, 0)
	if err != nil {
		b.Fatal(err)
	}
	kept := bytes.NewBufferString(maskerHeader)
	for _, d := range parsed.Decls {
		var text bytes.Buffer
		if err := format.Node(&text, files, d); err != nil {
			b.Fatal(err)
		}
		if regexp.MustCompile(`^(func newRe|type redactor|func \(w \*redactor\))`).Match(text.Bytes()) {
			fmt.Fprintf(kept, "%s\n\n", text.Bytes())
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		b.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, file), kept.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
}

// buildOutput is what a build prints.
func buildOutput(size int) string {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "[%4d/9000] Compiling module internal/service/handler_%d.go -> build/obj/%016x.o (cache miss, %d ms)\n", i%9000, i%97, i*2654435761, i%350)
	}
	return b.String()
}

// randomSecrets returns secrets of the lengths people have: passwords, keys,
// session tokens.
func randomSecrets(count int) []string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	random := rand.New(rand.NewPCG(1, 2))
	secrets := make([]string, count)
	for i := range secrets {
		var s strings.Builder
		for range []int{12, 20, 40, 900}[i%4] {
			s.WriteByte(alphabet[random.IntN(len(alphabet))])
		}
		secrets[i] = s.String()
	}
	return secrets
}

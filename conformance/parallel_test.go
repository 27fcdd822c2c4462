package conformance

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/pulumi/esc/eval"

	"github.com/escenv/escenv/internal/esc"
	ours "github.com/escenv/escenv/internal/eval"
)

// wait is how long each load and each open of BenchmarkWaiting takes.
const wait = 10 * time.Millisecond

// BenchmarkWaiting opens the definitions that upstream measures itself with:
// 26 imports and 10 fn::open, each of which takes a while. What is waited for
// one after the other is what counts: upstream waits for each, escenv for two.
func BenchmarkWaiting(b *testing.B) {
	texts := readTexts(b, filepath.Join(suiteDir(b), "bench"))
	q := question{Root: "bench", Text: texts["env"], Texts: texts}
	b.Run("upstream", func(b *testing.B) {
		for b.Loop() {
			if err := openReferenceWith(b.Context(), q, upstreamCatalog{delay: wait}, slowUpstreamLoader{upstreamLoader(q.Texts)}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("escenv", func(b *testing.B) {
		for b.Loop() {
			if err := openWith(b.Context(), q, slowLoader{ourLoader(q)}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

type slowUpstreamLoader struct{ upstreamLoader }

func (l slowUpstreamLoader) LoadEnvironment(ctx context.Context, name string) ([]byte, eval.Decrypter, error) {
	time.Sleep(wait)
	return l.upstreamLoader.LoadEnvironment(ctx, name)
}

type slowLoader struct{ ourLoader }

func (l slowLoader) Load(ctx context.Context, name string, from *ours.Source) (*ours.Source, error) {
	time.Sleep(wait)
	return l.ourLoader.Load(ctx, name, from)
}

// slow is a provider that takes a while.
type slow struct{}

func (slow) Check(esc.Value) esc.Diagnostics { return nil }

func (slow) Open(ctx context.Context, _ esc.Value, _ esc.Site) (esc.Opened, error) {
	select {
	case <-time.After(wait):
		return esc.Opened{Value: esc.New(wait.String())}, nil
	case <-ctx.Done():
		return esc.Opened{}, errors.New("nobody waits any more")
	}
}

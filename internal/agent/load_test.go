package agent_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/agent"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
	"github.com/escenv/escenv/internal/wire"
)

// TestTwoHundredFirstOpensAreOneSession: through sockets, as prompts, commands
// and open, of one definition.
func TestTwoHundredFirstOpensAreOneSession(t *testing.T) {
	m := &mint{life: time.Hour, takes: 50 * time.Millisecond}
	cache, _ := cacheOf(shopping(newLeases(), m, map[string]string{"shop/dev": coined}))
	path, _ := serve(t, serverOf(map[wire.Op]agent.Handler{wire.OpOpen: serving(cache)}))
	wanted := []esc.Request{
		prompt, dev, {Refs: dev.Refs, Want: esc.WantAll}, {Refs: dev.Refs, Want: esc.WantPath, Path: "coin"},
	}
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			req := wanted[i%len(wanted)]
			req.Holder = os.Getpid()
			if _, err := clientAt(path).Open(t.Context(), req); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if m.count() != 1 {
		t.Errorf("%d sessions were opened", m.count())
	}
}

// TestNothingGrows counts what a cache holds before and after many have come,
// stayed a while and gone.
func TestNothingGrows(t *testing.T) {
	round := func(i int) {
		m := &mint{life: time.Hour}
		leases := newLeases()
		cache, _ := cacheOf(shopping(leases, m, map[string]string{"shop/dev": coined}))
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() { holds(t, cache, os.Getpid(), prompt); holds(t, cache, os.Getpid(), dev) })
		}
		group.Wait()
		if !cache.Held() || len(cache.Environments()[0].Holders) != 1 {
			t.Errorf("round %d: %+v", i, cache.Environments())
		}
		cache.Release(os.Getpid())
		cache.Forget()
		leases.Forget()
	}
	round(0)
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for i := range 200 {
		round(i)
	}
	deadline := time.Now().Add(20 * time.Second)
	for runtime.NumGoroutine() > goroutines || openFiles(t) > files {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines and %d files, before %d and %d", runtime.NumGoroutine(), openFiles(t), goroutines, files)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestManyEnvironmentsFitInMemory: a few more than are kept, each with its own
// session and twenty variables.
func TestManyEnvironmentsFitInMemory(t *testing.T) {
	var text strings.Builder
	text.WriteString("values:\n  coin: {fn::open::mint: {}}\n  environmentVariables:\n    COIN: ${coin}\n")
	for i := range 20 {
		fmt.Fprintf(&text, "    NAME_%d: {fn::secret: %q}\n", i, strings.Repeat(fmt.Sprint(i), 200))
	}
	leases := newLeases()
	e := shopping(leases, &mint{life: time.Hour}, nil)
	e.Loader = same(text.String())
	cache, _ := cacheOf(e)
	before := heap()
	for i := range 520 {
		_, err := cache.Open(t.Context(), esc.Request{Refs: []esc.Ref{{Project: "shop", Name: fmt.Sprint("n", i)}}})
		must(t, err)
	}
	grown := heap() - before
	t.Logf("%d environments take %d KiB", len(cache.Environments()), grown>>10)
	if n := len(cache.Environments()); n != 512 || leases.Len() != 512 || grown > 32<<20 {
		t.Errorf("%d environments and %d leases take %d KiB", n, leases.Len(), grown>>10)
	}
	runtime.KeepAlive(cache)
}

func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapInuse)
}

// same is a Loader for which every definition has one text.
type same string

func (s same) LoadRef(_ context.Context, ref esc.Ref) (*eval.Source, error) {
	return &eval.Source{Name: ref.String(), Text: []byte(s)}, nil
}

func (s same) Load(ctx context.Context, _ string, _ *eval.Source) (*eval.Source, error) {
	return s.LoadRef(ctx, dev.Refs[0])
}

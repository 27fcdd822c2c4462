package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/escenv/escenv/internal/agent"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
)

// A mint is a Provider whose coins say which they are: 1, 2. It counts, takes
// its time, and fails when it is told to.
type mint struct {
	life, takes time.Duration

	mu     sync.Mutex
	err    error
	struck int
}

func (*mint) Check(esc.Value) esc.Diagnostics { return nil }

func (m *mint) Open(ctx context.Context, _ esc.Value, _ esc.Site) (esc.Opened, error) {
	m.mu.Lock()
	m.struck++
	coin, err := m.struck, m.err
	m.mu.Unlock()
	esc.Progress(ctx, "striking")
	select {
	case <-time.After(m.takes):
	case <-ctx.Done():
		return esc.Opened{}, ctx.Err()
	}
	if err != nil {
		return esc.Opened{}, err
	}
	opened := esc.Opened{Value: esc.NewSecret(strconv.Itoa(coin))}
	if m.life > 0 {
		opened.Expires = time.Now().Round(0).Add(m.life)
	}
	return opened, nil
}

func (m *mint) fails(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *mint) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.struck
}

func newLeases() *agent.Leases {
	return &agent.Leases{Now: time.Now, Jitter: func() float64 { return 0 }}
}

var site = esc.Site{Root: "shop/dev", Current: "shop/base"}

// coin opens a provider and returns which coin came.
func coin(t *testing.T, p esc.Provider, inputs esc.Value, at esc.Site) string {
	t.Helper()
	opened, err := p.Open(t.Context(), inputs, at)
	must(t, err)
	return text(opened.Value)
}

func TestALeaseIsSharedByAllWhoWantTheSame(t *testing.T) {
	m := &mint{life: time.Hour}
	leases := newLeases()
	object := func(v any) esc.Value { return esc.New(map[string]esc.Value{"a": esc.New(v)}) }
	seen := map[string]int{}
	for i, tc := range []struct {
		name   string
		inputs esc.Value
		at     esc.Site
	}{
		{"mint", object("1"), site},
		{"other", object("1"), site},
		{"mint", object("2"), site},
		{"mint", object(json.Number("1")), site},
		{"mint", object(true), site},
		{"mint", object(nil), site},
		{"mint", esc.New(map[string]esc.Value{"a": esc.Unknown()}), site},
		{"mint", esc.New(map[string]esc.Value{"a": esc.NewSecret("1")}), site},
		{"mint", esc.New(map[string]esc.Value{"a": esc.New("1"), "b": esc.New("1")}), site},
		{"mint", esc.New([]esc.Value{esc.New("a"), esc.New("1")}), site},
		{"mint", esc.New([]esc.Value{esc.New("a1")}), site},
		{"mint", object("1"), esc.Site{Root: "shop/dev", Current: "shop/dev"}},
		{"mint", object("1"), esc.Site{Root: "shop/devshop", Current: "/base"}},
	} {
		p := leases.Around(tc.name, m)
		got := coin(t, p, tc.inputs, tc.at)
		if again := coin(t, p, tc.inputs, tc.at); again != got {
			t.Errorf("case %d: got %s, then %s", i, got, again)
		}
		if other, known := seen[got]; known {
			t.Errorf("case %d got what case %d got", i, other)
		}
		seen[got] = i
	}
}

func TestALeaseIsOpenedOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: time.Hour, takes: time.Second}
		p := newLeases().Around("mint", m)
		var group sync.WaitGroup
		for range 200 {
			group.Go(func() { wants(t, coin(t, p, esc.New(nil), site), "1") })
		}
		group.Wait()
		if m.count() != 1 {
			t.Errorf("opened %d times", m.count())
		}
	})
}

func TestLeasesSayWhenTheyAreDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leases := newLeases()
		leases.Jitter = func() float64 { return 0.5 }
		opened, err := leases.Around("mint", &mint{life: time.Hour}).Open(t.Context(), esc.New(nil), site)
		must(t, err)
		if margin := opened.Expires.Sub(opened.Renew); margin != 5*time.Minute+30*time.Second {
			t.Errorf("renewed %s before the end", margin)
		}
		opened, err = leases.Around("stone", &mint{}).Open(t.Context(), esc.New(nil), site)
		if must(t, err); !opened.Renew.IsZero() {
			t.Errorf("what does not expire is renewed at %s", opened.Renew)
		}
	})
}

// shopping evaluates definitions whose credentials are a mint's.
func shopping(leases *agent.Leases, m *mint, definitions map[string]string) *eval.Evaluator {
	return &eval.Evaluator{Loader: shelf(definitions), Providers: map[string]esc.Provider{"mint": leases.Around("mint", m)}}
}

// shelf is a Loader of definitions by name.
type shelf map[string]string

func (s shelf) LoadRef(_ context.Context, ref esc.Ref) (*eval.Source, error) {
	return &eval.Source{Name: ref.String(), Text: []byte(s[ref.String()])}, nil
}

func (s shelf) Load(context.Context, string, *eval.Source) (*eval.Source, error) {
	return nil, errors.New("nothing is imported here")
}

const coined = `values:
  coin: {fn::open::mint: {of: gold}}
  environmentVariables: {COIN: "${coin}"}
`

// TestEveryWayToOpenSharesTheSession: what a shell, open and exec want differs,
// and so does the definition after an edit; the session is one.
func TestEveryWayToOpenSharesTheSession(t *testing.T) {
	m := &mint{life: time.Hour}
	definitions := map[string]string{"shop/dev": coined}
	cache, _ := cacheOf(shopping(newLeases(), m, definitions))
	for _, req := range []esc.Request{
		dev, prompt,
		{Refs: dev.Refs, Want: esc.WantAll},
		{Refs: dev.Refs, Want: esc.WantPath, Path: "coin"},
		{Refs: append([]esc.Ref{{Project: "shop", Name: "plain"}}, dev.Refs...)},
	} {
		_, err := cache.Open(t.Context(), req)
		must(t, err)
	}
	cache.Forget() // as after an edit
	definitions["shop/dev"] += "  more: 1\n"
	wants(t, loaf(t, cache), "1")
	if m.count() != 1 {
		t.Errorf("%d sessions were opened", m.count())
	}
}

// TestOnlyWhatIsDueIsOpenedAgain: of two leases, the short one.
func TestOnlyWhatIsDueIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		short, long := &mint{life: 15 * time.Minute}, &mint{life: 12 * time.Hour}
		leases := newLeases()
		e := &eval.Evaluator{
			Loader:    shelf{"shop/dev": `values: {environmentVariables: {A: {fn::open::short: {}}, B: {fn::open::long: {}}}}`},
			Providers: map[string]esc.Provider{"short": leases.Around("short", short), "long": leases.Around("long", long)},
		}
		cache, _ := cacheOf(e)
		cache.Find = (&crowd{}).find
		holding := dev
		holding.Holder = 7
		_, err := cache.Open(t.Context(), holding)
		must(t, err)
		time.Sleep(time.Hour)
		if short.count() < 4 || short.count() > 6 || long.count() != 1 {
			t.Errorf("opened %d and %d times", short.count(), long.count())
		}
		cache.Forget()
	})
}

func TestAValidLeaseSurvivesFailuresAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: time.Hour}
		cache, changes := cacheOf(shopping(newLeases(), m, map[string]string{"shop/dev": coined}))
		cache.Find = (&crowd{}).find
		holding := dev
		holding.Holder = 7
		_, err := cache.Open(t.Context(), holding)
		must(t, err)
		m.fails(esc.Errorf(esc.Unavailable, "the mint is closed"))
		time.Sleep(56 * time.Minute)
		first := time.Now()
		time.Sleep(3 * time.Minute)
		wants(t, loaf(t, cache), "1")
		if n := m.count(); n < 4 || n > 12 {
			t.Errorf("knocked %d times in four minutes", n)
		}
		env := cache.Environments()[0]
		if d := env.Delay; d == nil || d.Err.Error() != "the mint is closed" || d.Since.After(first) || d != env.Leases[0].Delay {
			t.Errorf("the delay is %+v", d)
		}
		m.fails(nil)
		before := m.count()
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if env := cache.Environments()[0]; env.Delay != nil || env.Leases[0].Delay != nil || m.count() != before+1 || changes.Load() != 1 {
			t.Errorf("it did not recover: %+v, %d attempts, told %d times", env, m.count()-before, changes.Load())
		}
		cache.Forget()
	})
}

func TestForgottenLeasesAreOpenedAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		forget func(*agent.Leases)
		want   string
	}{
		"all":                {(*agent.Leases).Forget, "2"},
		"by what was opened": {func(l *agent.Leases) { l.ForgetDefinition("shop/dev") }, "2"},
		"by where it stands": {func(l *agent.Leases) { l.ForgetDefinition("shop/base") }, "2"},
		"not another":        {func(l *agent.Leases) { l.ForgetDefinition("shop/de") }, "1"},
		"nothing":            {func(*agent.Leases) {}, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			leases := newLeases()
			p := leases.Around("mint", &mint{life: time.Hour})
			wants(t, coin(t, p, esc.New(nil), site), "1")
			tc.forget(leases)
			wants(t, coin(t, p, esc.New(nil), site), tc.want)
		})
	}
}

func TestALeaseOpenedDuringAForgetIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leases := newLeases()
		p := leases.Around("mint", &mint{life: time.Hour, takes: time.Minute})
		var group sync.WaitGroup
		group.Go(func() { wants(t, coin(t, p, esc.New(nil), site), "1") })
		synctest.Wait()
		leases.Forget()
		group.Go(func() { wants(t, coin(t, p, esc.New(nil), site), "2") })
		group.Wait()
		wants(t, coin(t, p, esc.New(nil), site), "2")
	})
}

// TestWhatBeganBeforeAForgetIsNotKept: an evaluation that began by an old
// setting, or before a lock, reaches its provider only later.
func TestWhatBeganBeforeAForgetIsNotKept(t *testing.T) {
	leases := newLeases()
	p := leases.Around("mint", &mint{life: time.Hour})
	begun := leases.Begin(t.Context())
	leases.Forget()
	if _, err := p.Open(begun, esc.New(nil), site); err != nil || leases.Len() != 0 {
		t.Errorf("%d are kept, %v", leases.Len(), err)
	}
	if _, err := p.Open(leases.Begin(t.Context()), esc.New(nil), site); err != nil || leases.Len() != 1 {
		t.Errorf("of what begins later %d are kept, %v", leases.Len(), err)
	}
}

func TestAnExpiredLeaseLeavesMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leases := newLeases()
		for name, life := range map[string]time.Duration{"short": time.Minute, "long": time.Hour, "none": 0} {
			coin(t, leases.Around(name, &mint{life: life}), esc.New(nil), site)
		}
		for _, step := range []struct {
			time time.Duration
			left int
		}{{time.Minute, 2}, {4 * time.Minute, 1}, {55 * time.Minute, 0}} {
			time.Sleep(step.time)
			synctest.Wait()
			if leases.Len() != step.left {
				t.Errorf("%d are left, want %d", leases.Len(), step.left)
			}
		}
		runtime.KeepAlive(leases)
	})
}

func TestLeasesAreBounded(t *testing.T) {
	leases := newLeases()
	p := leases.Around("mint", &mint{life: time.Hour})
	for i := range 600 {
		coin(t, p, esc.New(json.Number(strconv.Itoa(i))), site)
	}
	if leases.Len() != 512 {
		t.Errorf("%d leases", leases.Len())
	}
	wants(t, coin(t, p, esc.New(json.Number("599")), site), "600")
	wants(t, coin(t, p, esc.New(json.Number("0")), site), "601")
}

func TestALeaseNobodyWaitsForIsCalledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newLeases().Around("mint", &mint{life: time.Hour, takes: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Open(ctx, esc.New(nil), site); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		wants(t, coin(t, p, esc.New(nil), site), "2")
	})
}

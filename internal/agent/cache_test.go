package agent_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
	"weak"

	"github.com/escenv/escenv/internal/agent"
	"github.com/escenv/escenv/internal/esc"
)

// A bakery is an Opener whose environments say when they were opened: loaf 1,
// loaf 2. It counts, takes its time, and fails when it is told to.
type bakery struct {
	life    time.Duration // of the credentials; zero for none
	takes   time.Duration
	err     error
	sources []string
	now     func() time.Time // time.Now if nil

	mu    sync.Mutex
	baked int
}

func (b *bakery) Open(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	b.mu.Lock()
	b.baked++
	loaf := b.baked
	takes, err := b.takes, b.err
	b.mu.Unlock()
	esc.Progress(ctx, fmt.Sprint("baking ", loaf))
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	env := &esc.Environment{
		Name:      req.Refs[0].String(),
		Variables: []esc.Variable{{Name: "LOAF", Value: esc.NewSecret(strconv.Itoa(loaf))}},
		Sources:   b.sources,
	}
	if b.life > 0 {
		env.Expires = b.clock().Round(0).Add(b.life)
	}
	return env, nil
}

func (b *bakery) clock() time.Time {
	if b.now != nil {
		return b.now()
	}
	return time.Now()
}

func (b *bakery) set(change func(*bakery)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

func (b *bakery) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.baked
}

// cacheOf returns a Cache over b, and a count of how often it told of changes.
func cacheOf(b esc.Opener) (*agent.Cache, *atomic.Int32) {
	changes := new(atomic.Int32)
	return &agent.Cache{
		Opener: b, Now: time.Now, Jitter: func() float64 { return 0 }, Patience: agent.DefaultPatience,
		Changed: func() { changes.Add(1) },
	}, changes
}

var (
	dev    = esc.Request{Refs: []esc.Ref{{Project: "shop", Name: "dev"}}}
	prompt = esc.Request{Refs: dev.Refs, Hook: true}
)

// loaf opens dev and returns which loaf came.
func loaf(t *testing.T, o esc.Opener) string {
	t.Helper()
	env, err := o.Open(t.Context(), dev)
	if err != nil {
		t.Fatal(err)
	}
	return text(env.Variables[0].Value)
}

func text(v esc.Value) string {
	s, _ := v.RevealString()
	return s
}

func wants(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got loaf %s, want %s", got, want)
	}
}

func TestTwoHundredFirstOpensAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{life: time.Hour, takes: time.Second}
		cache, _ := cacheOf(b)
		var group sync.WaitGroup
		for range 200 {
			group.Go(func() { wants(t, loaf(t, cache), "1") })
		}
		group.Wait()
		if b.count() != 1 {
			t.Errorf("opened %d times", b.count())
		}
	})
}

func TestAnEnvironmentIsRenewedBeforeItExpires(t *testing.T) {
	for _, tc := range []struct{ life, renewed time.Duration }{
		{15 * time.Second, 11250 * time.Millisecond},
		{time.Minute, 45 * time.Second},
		{2 * time.Minute, 90 * time.Second},
		{15 * time.Minute, 15*time.Minute - 90*time.Second},
		{time.Hour, 55 * time.Minute},
		{12 * time.Hour, 12*time.Hour - 5*time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &bakery{life: tc.life}
			cache, changes := cacheOf(b)
			wants(t, loaf(t, cache), "1")
			time.Sleep(tc.renewed - time.Nanosecond)
			wants(t, loaf(t, cache), "1")
			time.Sleep(time.Nanosecond)
			if env, err := cache.Open(t.Context(), prompt); err != nil || text(env.Variables[0].Value) != "1" {
				t.Errorf("a prompt got %v, %v", env, err)
			}
			synctest.Wait()
			wants(t, loaf(t, cache), "2")
			if changes.Load() != 1 {
				t.Errorf("a renewal told of %d changes", changes.Load())
			}
		})
	}
}

func TestRenewalsAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache, _ := cacheOf(&bakery{life: time.Hour})
		cache.Jitter = func() float64 { return 0.5 }
		env, err := cache.Open(t.Context(), dev)
		if err != nil {
			t.Fatal(err)
		}
		if margin := env.Expires.Sub(env.Renew); margin != 5*time.Minute+30*time.Second {
			t.Errorf("renewed %s before the end", margin)
		}
	})
}

func TestValidCredentialsSurviveAFailingRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{life: time.Hour}
		cache, _ := cacheOf(b)
		wants(t, loaf(t, cache), "1")
		b.set(func(b *bakery) { b.err = esc.Errorf(esc.Unavailable, "the oven is cold") })
		time.Sleep(time.Hour - 2*time.Second - time.Nanosecond)
		wants(t, loaf(t, cache), "1")
		time.Sleep(time.Nanosecond) // who is told now can still say why, before it has ended
		if env, err := cache.Open(t.Context(), dev); err == nil || err.Error() != "the oven is cold" {
			t.Errorf("served %v, %v as it expired", env, err)
		}
	})
}

func TestValidCredentialsAreNotHeldUpByASlowRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{life: time.Hour}
		cache, changes := cacheOf(b)
		wants(t, loaf(t, cache), "1")
		b.set(func(b *bakery) { b.takes = time.Minute })
		time.Sleep(55 * time.Minute)
		began := time.Now()
		for range 200 {
			wants(t, loaf(t, cache), "1")
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %s", waited)
		}
		time.Sleep(time.Minute) // the renewal goes on without anybody
		synctest.Wait()
		wants(t, loaf(t, cache), "2")
		if b.count() != 2 || changes.Load() != 1 {
			t.Errorf("opened %d times, told of %d changes", b.count(), changes.Load())
		}
	})
}

// TestCommandsWaitBrieflyForALateRenewal, or they would live with what expires
// at once. A prompt is told when the renewal has come.
func TestCommandsWaitBrieflyForALateRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{life: time.Hour}
		cache, _ := cacheOf(b)
		wants(t, loaf(t, cache), "1")
		b.set(func(b *bakery) { b.takes = 1500 * time.Millisecond })
		time.Sleep(57*time.Minute + 30*time.Second)
		began := time.Now()
		_, err := cache.Open(t.Context(), prompt)
		if waited := time.Since(began); err != nil || waited != 0 {
			t.Errorf("a prompt waited %s, %v", waited, err)
		}
		wants(t, loaf(t, cache), "1")
		if waited := time.Since(began); waited != agent.DefaultPatience {
			t.Errorf("waited %s", waited)
		}
		wants(t, loaf(t, cache), "2")
		if b.count() != 2 {
			t.Errorf("opened %d times", b.count())
		}
	})
}

func TestASlowRenewalIsWaitedForWhenTimeRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{life: time.Hour}
		cache, _ := cacheOf(b)
		wants(t, loaf(t, cache), "1")
		b.set(func(b *bakery) { b.takes = time.Minute })
		time.Sleep(time.Hour - time.Millisecond)
		wants(t, loaf(t, cache), "2")
	})
}

func TestCredentialsThatArriveExpiredAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache, _ := cacheOf(&bakery{life: time.Nanosecond, takes: time.Second})
		cache.Now = func() time.Time { return time.Now().Add(time.Minute) }
		_, err := cache.Open(t.Context(), dev)
		var e *esc.Error
		if !errors.As(err, &e) || e.Hint == "" {
			t.Errorf("got %v", err)
		}
	})
}

// TestWhicheverClockIsAheadCounts: the wall clock goes on while the computer
// sleeps, the monotonic one cannot be set back.
func TestWhicheverClockIsAheadCounts(t *testing.T) {
	for name, now := range map[string]func() time.Time{
		"the computer slept":          func() time.Time { return setBack(time.Now(), -2*time.Hour) },
		"the wall clock was set back": func() time.Time { return setBack(time.Now().Add(2*time.Hour), 2*time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			b := &bakery{life: time.Hour}
			cache, _ := cacheOf(b)
			wants(t, loaf(t, cache), "1")
			cache.Now, b.now = now, now
			wants(t, loaf(t, cache), "2")
		})
	}
}

// setBack returns what time.Now would return had somebody set the wall clock
// back. It knows that the first word of a Time with a monotonic reading has the
// wall clock's seconds from bit 30 on.
func setBack(now time.Time, by time.Duration) time.Time {
	*(*uint64)(unsafe.Pointer(&now)) -= uint64(by/time.Second) << 30
	return now
}

func TestSettingTheClockBackIsSimulatedRightly(t *testing.T) {
	now := time.Now()
	back := setBack(now, time.Hour)
	if back.Sub(now) != 0 || back.Round(0).Sub(now.Round(0)) != -time.Hour {
		t.Errorf("%v became %v", now, back)
	}
}

func TestOneImpatientCallerDoesNotSpoilItForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{life: time.Hour, takes: time.Minute}
		cache, _ := cacheOf(b)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := cache.Open(ctx, dev); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the first caller got %v", err)
			}
		})
		synctest.Wait()
		group.Go(func() { wants(t, loaf(t, cache), "1") })
		group.Wait()
	})
}

func TestAnOpeningNobodyWaitsForIsCalledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{life: time.Hour, takes: time.Minute}
		cache, changes := cacheOf(b)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _ = cache.Open(ctx, dev)
		wants(t, loaf(t, cache), "2")
		if changes.Load() != 0 {
			t.Errorf("told of %d changes", changes.Load())
		}
	})
}

func TestAPromptThatGaveUpFindsTheEnvironmentLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{life: time.Hour, takes: time.Minute}
		cache, changes := cacheOf(b)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, _ = cache.Open(ctx, prompt)
		time.Sleep(time.Minute)
		if changes.Load() != 1 {
			t.Errorf("the shell was told %d times", changes.Load())
		}
		began := time.Now()
		wants(t, loaf(t, cache), "1")
		if time.Since(began) != 0 {
			t.Errorf("waited %s", time.Since(began))
		}
	})
}

func TestFailuresAreNotRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{life: time.Hour, err: esc.Errorf(esc.Refused, "no flour")}
		cache, _ := cacheOf(b)
		if _, err := cache.Open(t.Context(), dev); err == nil {
			t.Fatal("opened without flour")
		}
		b.set(func(b *bakery) { b.err = nil })
		wants(t, loaf(t, cache), "2")
	})
}

func TestPromptsShareAFailureForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{err: esc.Errorf(esc.Unavailable, "closed")}
		cache, _ := cacheOf(b)
		for range 100 {
			if _, err := cache.Open(t.Context(), prompt); err == nil || err.Error() != "closed" {
				t.Errorf("got %v", err)
			}
			time.Sleep(time.Millisecond)
		}
		if b.count() != 1 {
			t.Errorf("knocked %d times", b.count())
		}
		time.Sleep(time.Second)
		b.set(func(b *bakery) { b.err = nil })
		if _, err := cache.Open(t.Context(), prompt); err != nil {
			t.Errorf("still %v", err)
		}
	})
}

func TestEverythingOfARequestCounts(t *testing.T) {
	b := &bakery{life: time.Hour}
	cache, _ := cacheOf(b)
	file := esc.Ref{Path: "/a/b.yaml", Digest: "12"}
	for i, req := range []esc.Request{
		dev,
		{Refs: []esc.Ref{{Project: "shop", Name: "prod"}}},
		{Refs: []esc.Ref{{Project: "shop", Name: "dev"}, {Project: "shop", Name: "prod"}}},
		{Refs: dev.Refs, Want: esc.WantAll},
		{Refs: dev.Refs, Want: esc.WantPath, Path: "a"},
		{Refs: dev.Refs, Want: esc.WantPath, Path: "b"},
		{Refs: []esc.Ref{file}},
		{Refs: []esc.Ref{{Path: "/a/b.yaml", Digest: "34"}}},
	} {
		for range 2 {
			env, err := cache.Open(t.Context(), req)
			if err != nil || text(env.Variables[0].Value) != strconv.Itoa(i+1) {
				t.Errorf("%+v: got %v, %v", req, env, err)
			}
		}
	}
	// who asks makes no difference once it is open
	if env, err := cache.Open(t.Context(), prompt); err != nil || text(env.Variables[0].Value) != "1" {
		t.Errorf("a prompt got %v, %v", env, err)
	}
}

func TestAnEnvironmentWithoutCredentialsIsKeptBriefly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{}
		cache, changes := cacheOf(b)
		wants(t, loaf(t, cache), "1")
		time.Sleep(5*time.Minute - time.Nanosecond)
		wants(t, loaf(t, cache), "1")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		wants(t, loaf(t, cache), "2")
		if changes.Load() != 0 { // nobody holds it
			t.Errorf("told of %d changes", changes.Load())
		}
	})
}

func TestAnEnvironmentIsOpenedAgainWhenItsFilesChange(t *testing.T) {
	dir := t.TempDir()
	file, other := filepath.Join(dir, "dev.yaml"), filepath.Join(dir, "other")
	began := time.Now()
	write := func(file, content string, age time.Duration) {
		must(t, os.WriteFile(file, []byte(content), 0o600))
		must(t, os.Chtimes(file, began.Add(-age), began.Add(-age)))
	}
	cache, _ := cacheOf(&bakery{life: time.Hour, sources: []string{file}})
	write(file, "one", time.Hour)
	wants(t, loaf(t, cache), "1")
	wants(t, loaf(t, cache), "1")
	write(file, "two", 2*time.Hour) // older than before, and as long
	wants(t, loaf(t, cache), "2")
	write(file, "three", 2*time.Hour) // as old
	wants(t, loaf(t, cache), "3")
	write(other, "seven", 2*time.Hour) // as old and as long
	must(t, os.Rename(other, file))
	wants(t, loaf(t, cache), "4")
	must(t, os.Remove(file))
	wants(t, loaf(t, cache), "5")
	wants(t, loaf(t, cache), "5")
	write(file, "one", time.Hour)
	wants(t, loaf(t, cache), "6")
}

// TestAFileThatChangesWhileItIsReadIsReadAgain: nobody knows which content the
// opener saw.
func TestAFileThatChangesWhileItIsReadIsReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dev.yaml")
	b := &bakery{life: time.Hour, sources: []string{file}}
	cache, _ := cacheOf(saving{b, file})
	wants(t, loaf(t, cache), "1")
	cache.Opener = b
	wants(t, loaf(t, cache), "2")
	wants(t, loaf(t, cache), "2")
}

// saving is an Opener during which an editor saves a file.
type saving struct {
	*bakery
	file string
}

func (s saving) Open(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	now := time.Now()
	if err := errors.Join(os.WriteFile(s.file, nil, 0o600), os.Chtimes(s.file, now, now)); err != nil {
		return nil, err
	}
	return s.bakery.Open(ctx, req)
}

func TestForgetDropsEverything(t *testing.T) {
	b := &bakery{life: time.Hour}
	cache, _ := cacheOf(b)
	wants(t, loaf(t, cache), "1")
	cache.Forget()
	if leases := cache.Environments(); len(leases) != 0 {
		t.Errorf("still there: %v", leases)
	}
	wants(t, loaf(t, cache), "2")
}

func TestWhatIsOpenedDuringAForgetIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{life: time.Hour, takes: time.Minute}
		cache, _ := cacheOf(b)
		var group sync.WaitGroup
		group.Go(func() { wants(t, loaf(t, cache), "1") })
		synctest.Wait()
		cache.Forget()
		group.Go(func() { wants(t, loaf(t, cache), "2") })
		group.Wait()
		wants(t, loaf(t, cache), "2")
	})
}

func TestForgetFileDropsWhatRestsOnIt(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "dev.yaml")
	for path, dropped := range map[string]bool{
		file: true, dir: true, filepath.Join(dir, "dev.yam"): false, filepath.Join(dir, "other.yaml"): false,
	} {
		cache, _ := cacheOf(&bakery{life: time.Hour, sources: []string{file}})
		wants(t, loaf(t, cache), "1")
		cache.ForgetFile(path)
		if got := len(cache.Environments()) == 0; got != dropped {
			t.Errorf("%s: dropped is %v", path, got)
		}
	}
}

func TestEnvironmentsNamesWhatIsValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache, _ := cacheOf(&bakery{life: time.Hour})
		for _, name := range []string{"b", "a"} {
			if _, err := cache.Open(t.Context(), esc.Request{Refs: []esc.Ref{{Project: "p", Name: name}}}); err != nil {
				t.Fatal(err)
			}
		}
		leases := cache.Environments()
		if len(leases) != 2 || leases[0].Name != "p/a" || leases[0].Expires.Sub(leases[0].Renew) != 5*time.Minute {
			t.Errorf("got %+v", leases)
		}
		time.Sleep(time.Hour)
		if leases := cache.Environments(); len(leases) != 0 {
			t.Errorf("expired, and still there: %+v", leases)
		}
	})
}

// TestWhatExpiresLeavesMemory: also if nobody asks for anything any more.
func TestWhatExpiresLeavesMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache, _ := cacheOf(&bakery{life: time.Hour})
		held := func() weak.Pointer[esc.Variable] {
			env, err := cache.Open(t.Context(), dev)
			must(t, err)
			return weak.Make(&env.Variables[0])
		}()
		inMemory := func() bool {
			synctest.Wait()
			runtime.GC()
			return held.Value() != nil
		}
		time.Sleep(time.Hour - time.Nanosecond)
		if !inMemory() {
			t.Error("it is gone before its time")
		}
		time.Sleep(time.Nanosecond)
		if inMemory() {
			t.Error("it is still in memory")
		}
		runtime.KeepAlive(cache)
	})
}

func TestMemoryIsBounded(t *testing.T) {
	cache, _ := cacheOf(&bakery{life: time.Hour})
	for i := range 600 {
		if _, err := cache.Open(t.Context(), esc.Request{Refs: []esc.Ref{{Project: "p", Name: fmt.Sprint("n", i)}}}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(cache.Environments()); n != 512 {
		t.Errorf("%d leases", n)
	}
}

func TestEverybodyAboardHearsTheProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache, _ := cacheOf(&bakery{takes: time.Minute})
		var mu sync.Mutex
		heard := map[int]string{}
		var group sync.WaitGroup
		for i := range 3 {
			ctx := esc.WithProgress(t.Context(), func(words string) {
				mu.Lock()
				defer mu.Unlock()
				heard[i] += words
			})
			group.Go(func() { _, _ = cache.Open(ctx, dev) })
			synctest.Wait() // the others come late
		}
		group.Wait()
		for i := range 3 {
			if heard[i] != "baking 1" {
				t.Errorf("caller %d heard %q", i, heard[i])
			}
		}
	})
}

// crashing is an Opener with a bug, and a secret in hand.
type crashing struct{}

func (crashing) Open(context.Context, esc.Request) (*esc.Environment, error) { panic("hunter2") }

func TestACrashIsAnErrorWithoutDetails(t *testing.T) {
	cache, _ := cacheOf(crashing{})
	_, err := cache.Open(t.Context(), dev)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

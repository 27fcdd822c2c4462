package agent_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/escenv/escenv/internal/agent"
	"github.com/escenv/escenv/internal/esc"
)

// A crowd is processes, all of whom live until they are said to be dead.
type crowd struct {
	mu   sync.Mutex
	dead map[int]bool
	open int // descriptors
}

type member struct {
	*crowd
	pid int
}

func (c *crowd) find(pid int) (agent.Process, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead[pid] {
		return nil, errors.New("no such process")
	}
	c.open++
	return member{c, pid}, nil
}

func (c *crowd) dies(pid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead == nil {
		c.dead = map[int]bool{}
	}
	c.dead[pid] = true
}

func (c *crowd) descriptors() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

func (m member) Alive() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.dead[m.pid]
}

func (m member) Await() bool { return false } // they are looked at now and then

func (m member) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open--
	return nil
}

// holds opens dev, or another, for a process.
func holds(t *testing.T, c *agent.Cache, pid int, req esc.Request) {
	t.Helper()
	req.Holder = pid
	_, err := c.Open(t.Context(), req)
	must(t, err)
}

func TestWhatIsHeldIsRenewedWithoutBeingAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{life: time.Hour}
		cache, changes := cacheOf(b)
		people := &crowd{}
		cache.Find = people.find
		holds(t, cache, 1, prompt)
		holds(t, cache, 2, dev)
		time.Sleep(10 * time.Hour)
		synctest.Wait()
		if n := b.count(); n != 11 || int(changes.Load()) != n-1 { // one each 55 minutes
			t.Errorf("opened %d times, told of %d changes", n, changes.Load())
		}
		people.dies(1)
		time.Sleep(50 * time.Minute)
		if n := b.count(); n != 12 {
			t.Errorf("opened %d times for the other", n)
		}
		people.dies(2)
		time.Sleep(10 * time.Hour)
		if n := b.count(); n != 12 || people.descriptors() != 0 || len(cache.Environments()) != 0 {
			t.Errorf("opened %d times, %d descriptors are left, %v", n, people.descriptors(), cache.Environments())
		}
	})
}

func TestWhatNobodyHoldsIsNotRenewed(t *testing.T) {
	for name, open := range map[string]func(t *testing.T, c *agent.Cache, people *crowd){
		"nobody asked to":            func(t *testing.T, c *agent.Cache, _ *crowd) { loaf(t, c) },
		"the holder is not there":    func(t *testing.T, c *agent.Cache, people *crowd) { people.dies(1); holds(t, c, 1, dev) },
		"the holder died":            func(t *testing.T, c *agent.Cache, people *crowd) { holds(t, c, 1, dev); people.dies(1) },
		"the holder let go":          func(t *testing.T, c *agent.Cache, _ *crowd) { holds(t, c, 1, dev); c.Release(1) },
		"the prompt shows another":   func(t *testing.T, c *agent.Cache, _ *crowd) { holds(t, c, 1, prompt); holds(t, c, 1, otherPrompt) },
		"it was forgotten":           func(t *testing.T, c *agent.Cache, _ *crowd) { holds(t, c, 1, dev); c.Forget() },
		"its definition has changed": func(t *testing.T, c *agent.Cache, _ *crowd) { holds(t, c, 1, dev); c.ForgetFile("/shop") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bakery{life: time.Hour, sources: []string{"/shop/dev.yaml"}}
				cache, _ := cacheOf(byName{"shop/dev": b, "shop/none": &bakery{}})
				people := &crowd{}
				cache.Find = people.find
				open(t, cache, people)
				time.Sleep(10 * time.Hour)
				if b.count() != 1 || cache.Held() {
					t.Errorf("opened %d times, held is %v", b.count(), cache.Held())
				}
			})
		})
	}
}

var otherPrompt = esc.Request{Refs: []esc.Ref{{Project: "shop", Name: "none"}}, Hook: true}

// byName is an Opener of several.
type byName map[string]esc.Opener

func (o byName) Open(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	return o[req.Refs[0].String()].Open(ctx, req)
}

// TestAShellMayRunACommand: what the prompt shows next does not take away what
// a command holds.
func TestACommandHoldsBesideThePrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{life: time.Hour}
		cache, _ := cacheOf(byName{"shop/dev": b, "shop/none": &bakery{}})
		cache.Find = (&crowd{}).find
		holds(t, cache, 1, dev)
		holds(t, cache, 1, otherPrompt)
		time.Sleep(2 * time.Hour)
		if b.count() != 3 {
			t.Errorf("opened %d times", b.count())
		}
		cache.Forget()
	})
}

// TestWhatIsHeldComesBack: it expired while the oven was cold, nobody asks, and
// the shells are told when there is bread again.
func TestWhatIsHeldComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{life: time.Hour}
		cache, changes := cacheOf(b)
		cache.Find = (&crowd{}).find
		holds(t, cache, 1, prompt)
		b.set(func(b *bakery) { b.err = esc.Errorf(esc.Unavailable, "the oven is cold") })
		time.Sleep(3 * time.Hour)
		knocked := b.count()
		if knocked < 25 || knocked > 45 || !cache.Held() {
			t.Errorf("knocked %d times, held is %v", knocked, cache.Held())
		}
		if _, err := cache.Open(t.Context(), prompt); err == nil || changes.Load() != 0 {
			t.Errorf("opened: %v, told %d times", err, changes.Load())
		}
		b.set(func(b *bakery) { b.err = nil })
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if b.count() != knocked+2 || changes.Load() != 1 {
			t.Errorf("opened %d times more, told %d times", b.count()-knocked, changes.Load())
		}
		if _, err := cache.Open(t.Context(), prompt); err != nil || cache.Environments()[0].Delay != nil {
			t.Errorf("afterwards: %v, %v", err, cache.Environments())
		}
		cache.Forget()
	})
}

func TestRetryDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{life: time.Hour}
		cache, changes := cacheOf(b)
		cache.Find = (&crowd{}).find
		holds(t, cache, 1, prompt)
		b.set(func(b *bakery) { b.err = esc.Errorf(esc.Refused, "log in first") })
		time.Sleep(3 * time.Hour)
		b.set(func(b *bakery) { b.err = nil })
		cache.Retry()
		time.Sleep(time.Second)
		if changes.Load() != 1 {
			t.Errorf("told %d times", changes.Load())
		}
		cache.Forget()
	})
}

// TestTheComputerSleeps: timers stand still meanwhile, and the wall clock does
// not.
func TestTheComputerSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asleep atomic.Int64
		b := &bakery{life: time.Hour, now: func() time.Time { return time.Now().Add(time.Duration(asleep.Load())) }}
		cache, _ := cacheOf(b)
		cache.Now, cache.Find = b.now, (&crowd{}).find
		holds(t, cache, 1, prompt)
		time.Sleep(30 * time.Minute)
		asleep.Store(int64(26 * time.Minute))
		time.Sleep(time.Minute)
		synctest.Wait()
		if b.count() != 2 {
			t.Errorf("a minute after it woke it has opened %d times", b.count())
		}
		cache.Forget()
	})
}

func TestFilesNobodyToldOfAreLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := t.TempDir() + "/dev.yaml"
		must(t, os.WriteFile(file, []byte("one"), 0o600))
		cache, changes := cacheOf(&bakery{sources: []string{file}})
		cache.Find = (&crowd{}).find
		holds(t, cache, 1, prompt)
		time.Sleep(time.Hour)
		if changes.Load() != 0 {
			t.Errorf("told %d times of nothing", changes.Load())
		}
		must(t, os.WriteFile(file, []byte("another"), 0o600))
		time.Sleep(time.Minute)
		synctest.Wait()
		if changes.Load() != 1 {
			t.Errorf("told %d times", changes.Load())
		}
		cache.Forget()
	})
}

func TestALockedCacheOpensNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bakery{life: time.Hour}
		cache, _ := cacheOf(b)
		cache.Find = (&crowd{}).find
		holds(t, cache, 1, prompt)
		cache.Lock()
		_, err := cache.Open(t.Context(), prompt)
		if e, ok := errors.AsType[*esc.Error](err); !ok || e.Kind != esc.Locked || e.Hint != "escenv agent unlock" {
			t.Errorf("got %v", err)
		}
		time.Sleep(10 * time.Hour)
		if len(cache.Environments()) != 0 || b.count() != 1 || cache.Held() {
			t.Errorf("opened %d times: %v", b.count(), cache.Environments())
		}
		cache.Unlock()
		wants(t, loaf(t, cache), "2")
	})
}

func TestProcessesAreKnown(t *testing.T) {
	self, err := agent.FindProcess(os.Getpid())
	must(t, err)
	defer self.Close()
	if !self.Alive() {
		t.Error("this process is dead")
	}
	cmd := exec.Command("sleep", "1000")
	must(t, cmd.Start())
	child, err := agent.FindProcess(cmd.Process.Pid)
	must(t, err)
	defer child.Close()
	if !child.Alive() {
		t.Error("it is dead already")
	}
	must(t, cmd.Process.Kill())
	for child.Alive() { // it may be a zombie: nobody has waited for it
	}
	if runtime.GOOS == "linux" && !child.Await() {
		t.Error("nobody tells that it has ended")
	}
	_ = cmd.Wait()
	for _, pid := range []int{cmd.Process.Pid, 0, -1} {
		if p, err := agent.FindProcess(pid); err == nil {
			t.Errorf("%d is %v", pid, p)
		}
	}
}

// TestWhoWaitsForAnEndIsToldSoon: real processes, of which one is killed, one
// lets go and one goes on.
func TestWhoWaitsForAnEndIsToldSoon(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this system does not tell")
	}
	cache, _ := cacheOf(&bakery{life: time.Hour})
	ended := make(chan struct{}, 3)
	cache.Ended = func() { ended <- struct{}{} }
	var pids []int
	for range 2 {
		cmd := exec.CommandContext(t.Context(), "sleep", "1000")
		must(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Wait() })
		pids = append(pids, cmd.Process.Pid)
	}
	before := runtime.NumGoroutine()
	for _, pid := range append(pids, os.Getpid()) {
		holds(t, cache, pid, prompt)
	}
	cache.Release(pids[1])
	must(t, syscall.Kill(pids[1], syscall.SIGKILL))
	must(t, syscall.Kill(pids[0], syscall.SIGKILL))
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody was told")
	}
	if left := cache.Environments()[0].Holders; !slices.Equal(left, []int{os.Getpid()}) {
		t.Errorf("%v hold it", left)
	}
	cache.Forget()
	for deadline := time.Now().Add(20 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, before %d", runtime.NumGoroutine(), before)
		}
	}
	if len(ended) > 0 {
		t.Error("the end of one who had let go was told")
	}
}

func TestOtherUsersHoldNothing(t *testing.T) {
	needRoot(t)
	cmd := asNobody(runnable(t), "plain", "x")
	in, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	if p, err := agent.FindProcess(cmd.Process.Pid); err == nil {
		t.Errorf("%v was found", p)
	}
	must(t, in.Close())
	must(t, cmd.Wait())
}

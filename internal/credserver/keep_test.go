package credserver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/credserver"
	"github.com/escenv/escenv/internal/esc"
)

var errDown = esc.Errorf(esc.Unavailable, "sts does not answer").WithHint("try again")

// An sts opens an environment with new credentials whenever it is asked.
type sts struct {
	life time.Duration // of a session
	lead time.Duration // if not 0, sessions are kept until so long before their end

	mu     sync.Mutex
	down   error // what it answers with, if it does not work
	opened int   // sessions
	asked  int
	last   *esc.Environment
}

func (s *sts) Open(context.Context, esc.Request) (*esc.Environment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	now := time.Now().UTC()
	if s.last != nil && s.lead > 0 && (now.Before(s.last.Renew) || s.down != nil && now.Before(s.last.Expires)) {
		return s.last, nil // as the agent does
	}
	if s.down != nil {
		return nil, s.down
	}
	s.opened++
	expires := now.Add(s.life)
	s.last = environment(fmt.Sprintf("KEY%d", s.opened), expires)
	if s.lead > 0 {
		s.last.Renew = expires.Add(-s.lead)
	}
	return s.last, nil
}

func (s *sts) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

func (s *sts) counts() (asked, opened int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked, s.opened
}

// environment has credentials that rest on one of its two leases.
func environment(key string, expires time.Time) *esc.Environment {
	secret, token := esc.NewSecret("secret of "+key), esc.NewSecret("token of "+key)
	return &esc.Environment{
		Name: "shop/prod",
		Variables: []esc.Variable{
			{Name: "AWS_ACCESS_KEY_ID", Value: esc.New(key), Leases: []int{1}},
			{Name: "AWS_SECRET_ACCESS_KEY", Value: secret, Leases: []int{1}},
			{Name: "AWS_SESSION_TOKEN", Value: token, Leases: []int{1}},
		},
		Secrets: []esc.Value{secret, token, esc.NewSecret("hunter2")},
		Leases:  []esc.Lease{{Name: "another", Expires: expires.Add(-time.Second)}, {Name: "aws-login", Expires: expires}},
		Expires: expires.Add(-time.Second),
	}
}

// keep runs a Keeper of an sts, and returns what it tells.
func keep(t *testing.T, s *sts) (*credserver.Keeper, *journal) {
	t.Helper()
	told := &journal{}
	k := &credserver.Keeper{
		Opener: s, Now: time.Now, After: time.After, Jitter: func() float64 { return 0 }, Told: told.add,
	}
	first, err := k.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	told.add(first)
	go k.Run(t.Context())
	return k, told
}

type journal struct {
	mu   sync.Mutex
	news []credserver.News
}

func (j *journal) add(n credserver.News) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.news = append(j.news, n)
}

func (j *journal) problems() (count int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, n := range j.news {
		if n.Problem != nil {
			count++
		}
	}
	return count
}

// wait lets time pass, and then everybody come to rest.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// leftAt returns for how long what a client gets now is good.
func leftAt(t *testing.T, k *credserver.Keeper) time.Duration {
	t.Helper()
	found, err := k.Current(t.Context())
	if err != nil {
		t.Fatalf("at %s: %v", time.Now().UTC().Format(time.TimeOnly), err)
	}
	return time.Until(found.Expires)
}

func TestCredentialsAreRenewedAheadOfTheirEnd(t *testing.T) {
	for _, tc := range []struct {
		life     time.Duration
		renewals int           // in twelve lives
		least    time.Duration // that is ever left of what clients get
	}{
		{12 * time.Hour, 16, 3 * time.Hour},      // a quarter before the end
		{time.Hour, 18, 20 * time.Minute},        // the margin before the end
		{30 * time.Minute, 24, 15 * time.Minute}, // as early as makes sense
		{15 * time.Minute, 24, 450 * time.Second},
		{time.Minute, 24, 30 * time.Second},
		{6 * time.Second, 24, 3 * time.Second},
	} {
		t.Run(tc.life.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sts{life: tc.life}
				k, _ := keep(t, s)
				least := tc.life
				for range 12 * 60 {
					wait(tc.life / 60)
					least = min(least, leftAt(t, k))
				}
				if asked, _ := s.counts(); asked != tc.renewals+1 || least < tc.least-tc.life/60 {
					t.Errorf("asked %d times, want %d; %s was left, want %s", asked, tc.renewals+1, least, tc.least)
				}
			})
		})
	}
}

// TestAskingTwiceIsNoUse has credentials come from somebody who keeps them,
// too, for longer.
func TestAskingTwiceIsNoUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sts{life: time.Hour, lead: 5 * time.Minute}
		k, told := keep(t, s)
		for range 55 * 12 {
			wait(time.Minute)
			if left := leftAt(t, k); left < 5*time.Minute {
				t.Fatalf("%s is left", left)
			}
		}
		asked, opened := s.counts()
		if opened != 13 || asked != 1+2*12 || told.problems() != 0 {
			t.Errorf("asked %d times, %d sessions, %d problems", asked, opened, told.problems())
		}
	})
}

// TestAnOutage has the STS fail for ten minutes from the first renewal on. Who
// is asked may say so, or give what there is.
func TestAnOutage(t *testing.T) {
	for name, tc := range map[string]struct{ lead time.Duration }{
		"that is told":     {0},
		"that is not told": {20 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sts{life: time.Hour, lead: tc.lead}
				k, told := keep(t, s)
				wait(39 * time.Minute)
				s.fail(errDown)
				for range 11 * 60 {
					wait(time.Second)
					leftAt(t, k)
				}
				asked, opened := s.counts()
				if asked < 8 || asked > 16 || opened != 1 {
					t.Errorf("asked %d times in ten minutes", asked)
				}
				if told.problems() != asked-1 && tc.lead == 0 {
					t.Errorf("told of %d problems in %d tries", told.problems(), asked-1)
				}
				s.fail(nil)
				wait(time.Minute)
				if left := leftAt(t, k); left < 59*time.Minute {
					t.Errorf("a minute later there is %s left", left)
				}
			})
		})
	}
}

// TestALongOutage has credentials end before there are others.
func TestALongOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sts{life: time.Hour}
		k, _ := keep(t, s)
		s.fail(errDown)
		wait(time.Hour)
		began := time.Now()
		_, err := k.Current(t.Context())
		if took := time.Since(began); took > time.Second {
			t.Errorf("a client waited %s", took)
		}
		want := "the credentials of shop/prod expired at 2000-01-01T01:00:00Z and could not be renewed: sts does not answer (try again)"
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}

		before, _ := s.counts()
		for range 600 { // clients that ask again and again
			wait(time.Second)
			if _, err := k.Current(t.Context()); err == nil {
				t.Fatal("there are credentials")
			}
		}
		if asked, _ := s.counts(); asked-before > 120 {
			t.Errorf("clients made for %d tries in some ten minutes", asked-before)
		}
		s.fail(nil)
		wait(10 * time.Second)
		if left := leftAt(t, k); left < 59*time.Minute {
			t.Errorf("there is %s left", left)
		}
	})
}

func TestAClientWaitsForCredentialsThatAreOnTheirWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sts{life: time.Hour}
		var asleep time.Duration
		k := &credserver.Keeper{
			Opener: s, Now: func() time.Time { return time.Now().Round(0).Add(asleep) }, After: time.After,
			Jitter: func() float64 { return 0 }, Told: func(credserver.News) {},
		}
		if _, err := k.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		go k.Run(t.Context())
		wait(30 * time.Second)
		asleep = 3 * time.Hour // the computer was closed, and no timer ran
		s.life += asleep
		var clients sync.WaitGroup
		for range 100 {
			clients.Go(func() {
				found, err := k.Current(t.Context())
				if err != nil || found.AccessKeyID != "KEY2" {
					t.Errorf("got %s, %v", found.AccessKeyID, err)
				}
			})
		}
		clients.Wait()
		if asked, _ := s.counts(); asked != 2 {
			t.Errorf("100 clients made for %d tries", asked-1)
		}
	})
}

func TestNewsTellEverySecretOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sts{life: time.Hour}
		_, told := keep(t, s)
		start := time.Now()
		wait(41 * time.Minute)
		s.fail(errDown)
		wait(40 * time.Minute)
		want := []credserver.News{
			{Secrets: []string{"secret of KEY1", "token of KEY1", "hunter2"}, Expires: start.Add(time.Hour).UTC()},
			{Secrets: []string{"secret of KEY2", "token of KEY2"}, Expires: start.Add(100 * time.Minute).UTC()},
			{Expires: start.Add(100 * time.Minute).UTC(), Problem: errDown},
		}
		if diff := cmp.Diff(want, told.news[:3], cmp.Comparer(errors.Is)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhatCannotBeServed(t *testing.T) {
	for name, tc := range map[string]struct {
		env  *esc.Environment
		want string
	}{
		"nothing":               {&esc.Environment{Name: "shop/prod"}, "sets no AWS_ACCESS_KEY_ID"},
		"what never ends":       {environment("KEY", time.Time{}), "do not expire"},
		"what cannot be opened": {nil, "sts does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.env != nil {
				tc.env.Leases = nil
			}
			k := &credserver.Keeper{Opener: opener{tc.env}, Now: time.Now, After: time.After, Jitter: func() float64 { return 0 }}
			if _, err := k.Open(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

type opener struct{ env *esc.Environment }

func (o opener) Open(context.Context, esc.Request) (*esc.Environment, error) {
	if o.env == nil {
		return nil, errDown
	}
	return o.env, nil
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		k := &credserver.Keeper{
			Opener: &sts{life: time.Hour}, Now: time.Now, After: time.After,
			Jitter: func() float64 { return 0 }, Told: func(credserver.News) { t.Error("there is news") },
		}
		if _, err := k.Open(ctx); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Minute, cancel)
		began := time.Now()
		k.Run(ctx)
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it ran for %s", took)
		}
	})
}

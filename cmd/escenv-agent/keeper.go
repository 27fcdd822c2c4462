package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/escenv/escenv/internal/agent"
	"github.com/escenv/escenv/internal/build"
	"github.com/escenv/escenv/internal/clock"
	"github.com/escenv/escenv/internal/config"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/store"
	"github.com/escenv/escenv/internal/wire"
)

// A keeper is the agent: the rooms, wired.
type keeper struct {
	dirs       dirs
	environ    []string
	private    bool   // environ is the caller's own
	shared     string // in a private agent: the socket of the one to ask for what it serves; may be empty
	idle       time.Duration
	started    time.Time
	store      *store.Files
	cache      *agent.Cache
	leases     *agent.Leases
	generation *agent.Generation
	watch      *agent.Watch // nil in a private agent
	swappable  bool         // the system may write memory to swap

	mu    sync.Mutex
	setup *setup
}

func newKeeper(opts options) (*keeper, error) {
	environ := os.Environ()
	dirs, err := findDirs(environ, opts.socket)
	if err != nil {
		return nil, err
	}
	k := &keeper{
		dirs: dirs, environ: environ, private: opts.stdio, idle: opts.idle, started: clock.Now(),
		store:      &store.Files{Dir: dirs.definitions()},
		generation: &agent.Generation{File: dirs.generation(), Now: clock.Now},
		swappable:  !agent.LockMemory(),
	}
	if opts.shared {
		k.shared = opts.socket
	}
	k.leases = &agent.Leases{Now: clock.Now, Jitter: rand.Float64, Timer: clock.AfterFunc, Ahead: agent.DefaultAhead}
	k.cache = &agent.Cache{
		Opener: opener(k.evaluate), Now: clock.Now, Timer: clock.AfterFunc, Jitter: rand.Float64,
		Patience: agent.DefaultPatience, Changed: k.touch,
	}
	return k, nil
}

// server returns what answers requests and leaves after idle, if that is not 0.
func (k *keeper) server(idle time.Duration) *agent.Server {
	return &agent.Server{Build: build.ID(), Handlers: k.handlers(), Idle: idle, Now: clock.Now, After: time.After}
}

func (k *keeper) handlers() map[wire.Op]agent.Handler {
	return map[wire.Op]agent.Handler{
		wire.OpOpen:          handler(k.open),
		wire.OpRender:        handler(k.render),
		wire.OpCheck:         handler(k.check),
		wire.OpEnvList:       handler(k.envList),
		wire.OpEnvRead:       handler(k.envRead),
		wire.OpEnvWrite:      handler(k.envWrite),
		wire.OpEnvGet:        handler(k.envGet),
		wire.OpEnvSet:        handler(k.envSet),
		wire.OpEnvRemove:     handler(k.envRemove),
		wire.OpIssuerInit:    handler(k.issuerInit),
		wire.OpIssuerShow:    handler(k.issuerShow),
		wire.OpIssuerPublish: handler(k.issuerPublish),
		wire.OpServe:         handler(k.serveCredentials),
		wire.OpStatus:        handler(k.status),
		wire.OpForget:        handler(k.forget),
		wire.OpRelease:       handler(k.release),
		wire.OpLock:          handler(k.lock),
		wire.OpUnlock:        handler(k.unlock),
	}
}

// none stands for no arguments and for no result.
type none struct{}

// handler lets f take and return what a request's JSON holds.
func handler[Args, Result any](f func(context.Context, Args) (Result, error)) agent.Handler {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		args, err := wire.DecodeArgs[Args](raw)
		if err != nil {
			return nil, esc.Errorf(esc.Invalid, "the request's arguments are not what they should be")
		}
		result, err := f(ctx, args)
		if err != nil {
			return nil, err
		}
		return result, nil
	}
}

// serve answers on the shared socket, and meanwhile follows the user's files and
// clears away those of environments that nobody uses any more.
func (k *keeper) serve(ctx context.Context, l *agent.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := k.generation.Ensure(); err != nil {
		return err
	}
	k.stayLocked()
	defer k.follow(l, stop)()
	sweeper := newSweeper(k.environ)
	k.cache.Ended = sweeper.tell
	defer sweeper.follow(ctx)()
	server := k.server(k.idleTime())
	server.Busy, server.Lost = k.cache.Held, func() bool { return !l.Mine() }
	return server.Serve(ctx, l)
}

// idleTime returns after how long without a request the agent leaves.
func (k *keeper) idleTime() time.Duration {
	if k.idle > 0 {
		return k.idle
	}
	if s, err := k.current(); err == nil {
		return s.config.Agent.Idle
	}
	return config.DefaultIdle
}

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
	generation *agent.Generation
	watch      *agent.Watch // nil in a private agent

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
	}
	if opts.shared {
		k.shared = opts.socket
	}
	k.cache = &agent.Cache{
		Opener: opener(k.evaluate), Now: clock.Now, Jitter: rand.Float64,
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

// serve answers on the shared socket, and follows the user's files meanwhile.
func (k *keeper) serve(ctx context.Context, l *agent.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := k.generation.Ensure(); err != nil {
		return err
	}
	watch, err := agent.NewWatch(func(path string) {
		if !l.Mine() {
			stop() // nobody can reach us any more
			return
		}
		k.changed(path)
	})
	if err == nil { // without one, files are looked at when they are used
		defer watch.Close()
		k.watch = watch
		watch.File(l.Path)
		watch.File(k.dirs.settings())
		watch.Tree(k.dirs.definitions())
	}
	return k.server(k.idleTime()).Serve(ctx, l)
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

// changed forgets what rests on a file and has every shell ask again.
func (k *keeper) changed(path string) {
	k.cache.ForgetFile(path)
	k.touch()
}

// touch has every shell ask again at its next prompt. Shells that cannot be
// told ask when their credentials expire.
func (k *keeper) touch() {
	switch {
	case !k.private:
		_ = k.generation.Touch()
	case k.dirs.runtime != "":
		_ = k.generation.TouchIfThere()
	}
}

func (k *keeper) watchFiles(files ...string) {
	if k.watch == nil {
		return
	}
	for _, file := range files {
		k.watch.File(file)
	}
}

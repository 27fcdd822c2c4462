package main

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/escenv/escenv/internal/agent"
	"github.com/escenv/escenv/internal/esc"
)

// follow watches whatever decides what shells get, and calls lost when nobody
// can reach this agent any more. Where the system watches nothing, files are
// looked at when they are used, and each minute if somebody holds what rests
// on them.
func (k *keeper) follow(l *agent.Listener, lost func()) (end func()) {
	notify, err := agent.SystemNotifier()
	if err != nil {
		return func() {}
	}
	k.watch = agent.NewWatch(notify, func(path string) {
		if !l.Mine() {
			lost()
			return
		}
		k.news(path)
	})
	k.watch.File(l.Path)
	k.watch.File(k.dirs.settings())
	k.watch.Tree(k.dirs.definitions())
	_, _ = k.current() // follows the identity; what is wrong is told to whoever asks
	return func() { _ = k.watch.Close() }
}

// news is called with what is not as it was.
func (k *keeper) news(path string) {
	setup, err := k.current() // forgets what another configuration opened
	if err == nil && setup.restsOn(path) {
		k.identified(setup)
	}
	k.changed(path)
}

// changed forgets what rests on a file and has every shell ask again.
func (k *keeper) changed(path string) {
	k.cache.ForgetFile(path)
	k.touch()
}

// identified looks at who the user is now, and lets what failed be tried again.
// What was opened by somebody else is forgotten.
func (k *keeper) identified(s *setup) {
	was, is := s.person.Load(), s.whoAmI()
	if is != "" {
		s.person.Store(&is)
	}
	if was != nil && is != "" && *was != is {
		k.forgetAll()
		return
	}
	k.leases.Retry()
	k.cache.Retry()
}

// followIdentity watches the files that a new setup's identity rests on.
func (k *keeper) followIdentity(s *setup) {
	if k.watch == nil || s.identity == "" {
		return
	}
	k.watch.File(s.identity)
	if s.identity == k.dirs.issuer() {
		k.watch.Tree(s.identity)
	}
	if is := s.whoAmI(); is != "" {
		s.person.Store(&is)
	}
}

// whoAmI returns the issuer and subject of the user's tokens, or nothing if
// there is none to be had.
func (s *setup) whoAmI() string {
	site := esc.Site{Root: "escenv/whoami", Current: "escenv/whoami"}
	token, err := s.tokens.Token(context.Background(), esc.TokenRequest{Audience: s.config.Audience, Site: site})
	if err != nil {
		return ""
	}
	return token.Issuer + " " + token.Subject
}

// restsOn reports whether news of path may be news of the identity.
func (s *setup) restsOn(path string) bool {
	return s.identity != "" && (within(path, s.identity) || within(s.identity, path))
}

// within reports whether path is dir, or below it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+string(filepath.Separator))
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

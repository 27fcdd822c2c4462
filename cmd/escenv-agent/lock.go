package main

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// A locked agent keeps nothing and opens nothing. That it is locked stands in a
// file beside the socket, so that the next agent is locked, too: whether this
// one is stopped, killed or replaced, only unlock ends it, or a reboot.

// lock forgets everything and opens nothing until unlock.
func (k *keeper) lock(context.Context, none) (none, error) {
	if k.private {
		return none{}, errPrivate()
	}
	defer k.touch()
	k.cache.Lock()
	k.leases.Forget()
	f, err := os.OpenFile(k.dirs.locked(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return none{}, err
	}
	return none{}, f.Close()
}

// unlock ends lock, and has every shell ask again.
func (k *keeper) unlock(context.Context, none) (none, error) {
	if k.private {
		return none{}, errPrivate()
	}
	if err := os.Remove(k.dirs.locked()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return none{}, err
	}
	defer k.touch()
	k.cache.Unlock()
	return none{}, nil
}

func errPrivate() error {
	return esc.Errorf(esc.Invalid, "a private agent keeps nothing that could be locked")
}

// stayLocked locks a new agent if the last one was.
func (k *keeper) stayLocked() {
	if _, err := os.Lstat(k.dirs.locked()); err == nil {
		k.cache.Lock()
	}
}

// forget drops opened environments, all or those of one definition, and has
// every shell ask for its own again.
func (k *keeper) forget(_ context.Context, args wire.ForgetArgs) (none, error) {
	defer k.touch()
	if args.Ref == (esc.Ref{}) {
		k.forgetAll()
		return none{}, nil
	}
	if err := checkRef(args.Ref); err != nil {
		return none{}, err
	}
	name := args.Ref.String()
	k.leases.ForgetDefinition(name)
	k.cache.ForgetDefinition(name)
	if found, err := k.store.Load(args.Ref); err == nil {
		k.cache.ForgetFile(found.File) // others import it
	}
	return none{}, nil
}

func (k *keeper) forgetAll() {
	k.leases.Forget()
	k.cache.Forget()
}

// release says that a process uses nothing any more.
func (k *keeper) release(_ context.Context, args wire.ReleaseArgs) (none, error) {
	k.cache.Release(args.Holder)
	return none{}, nil
}

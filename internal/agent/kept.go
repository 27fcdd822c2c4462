package agent

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// A kept environment is remembered until it expires.
type kept struct {
	span
	env      *esc.Environment
	stamps   map[string]fs.FileInfo
	doubtful bool // a file changed while it was read: use it once
}

// newKept makes ready to remember what an Opener returned.
func (c *Cache) newKept(env *esc.Environment, began time.Time) (*kept, error) {
	now := c.Now()
	copied := *env
	if !env.Expires.IsZero() && env.Renew.IsZero() {
		copied.Renew = renewAt(now, env.Expires, c.jitter())
	}
	k := &kept{
		span: span{opened: now, renew: copied.Renew, expires: copied.Expires},
		env:  &copied, stamps: map[string]fs.FileInfo{},
	}
	if !k.valid(now) {
		return nil, esc.Errorf(esc.Refused, "the credentials of %s had expired when they arrived", env.Name).
			WithHint("see whether this computer's clock is right")
	}
	for _, file := range env.Sources {
		k.stamp(file, began, now)
	}
	return k, nil
}

// later returns k with the next renewal put off.
func (k *kept) later(at time.Time) *kept {
	copied, env := *k, *k.env
	env.Renew, copied.renew = at, at
	copied.env = &env
	return &copied
}

// emptied returns k without anything secret.
func (k *kept) emptied() *kept {
	copied := *k
	copied.env = &esc.Environment{
		Name: k.env.Name, Sources: k.env.Sources, Expires: k.expires, Renew: k.renew,
	}
	return &copied
}

// stamp remembers what a file looked like. A change while it was being read
// may or may not have been seen.
func (k *kept) stamp(file string, began, ended time.Time) {
	info, err := os.Stat(file)
	if err != nil {
		k.stamps[file] = nil
		return
	}
	k.stamps[file] = info
	changed := info.ModTime()
	k.doubtful = k.doubtful || !changed.Before(began) && !changed.After(ended)
}

// moved reports whether a file the environment rests on is not as it was.
func (k *kept) moved() bool {
	for file, then := range k.stamps {
		now, err := os.Stat(file)
		if err != nil || then == nil {
			if (err != nil) != (then == nil) {
				return true
			}
			continue
		}
		if !os.SameFile(then, now) || then.Size() != now.Size() || !then.ModTime().Equal(now.ModTime()) {
			return true
		}
	}
	return false
}

// restsOn reports whether the environment read path, or a file below it.
func (k *kept) restsOn(path string) bool {
	below := path + string(filepath.Separator)
	return slices.ContainsFunc(k.env.Sources, func(file string) bool {
		return file == path || strings.HasPrefix(file, below)
	})
}

// same reports whether nobody would notice the difference between a and b.
func same(a, b *esc.Environment) bool {
	return a.Expires.Equal(b.Expires) &&
		slices.EqualFunc(a.Variables, b.Variables, func(v, w esc.Variable) bool {
			return v.Name == w.Name && sameText(v.Value, w.Value)
		}) &&
		slices.EqualFunc(a.Files, b.Files, func(f, g esc.File) bool {
			return f.Name == g.Name && sameText(f.Content, g.Content)
		})
}

func sameText(v, w esc.Value) bool {
	a, _ := v.RevealString()
	b, _ := w.RevealString()
	return a == b
}

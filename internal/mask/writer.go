package mask

import (
	"io"
	"unicode/utf8"
)

// idleLimit is how many bytes of what may become a secret Idle lets go.
const idleLimit = 5

// A Writer passes on what is written to it, without the secrets of its Set. It
// must not be used by two goroutines at once.
type Writer struct {
	w   io.Writer
	set *Set
	out []byte // what the current call passes on

	// held is the end of the stream so far that begins where a secret may
	// have begun. Of it, shown bytes have been passed on or replaced, and
	// covered bytes belong to a secret already replaced.
	held           []byte
	shown, covered int
}

// NewWriter returns a Writer that passes on to w what holds no secret of set.
func NewWriter(w io.Writer, set *Set) *Writer {
	return &Writer{w: w, set: set}
}

// Write masks p. What may be the beginning of a secret is held back until more
// is written, or Idle or Flush is called. The error is the underlying writer's.
func (w *Writer) Write(p []byte) (int, error) {
	if err := w.advance(p, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush ends the stream: nothing more will complete a secret, so what is held
// back is passed on.
func (w *Writer) Flush() error { return w.advance(nil, true) }

// Held reports whether something is held back that Idle may let go.
func (w *Writer) Held() bool { return len(w.held) > w.shown && len(w.held) <= idleLimit }

// Idle says that nothing was written for a while, and somebody may be waiting
// to see what was. It passes on what is held back if that is but a few bytes
// and at most half of any secret; should one follow, its rest is still masked.
func (w *Writer) Idle() error {
	if !w.Held() || 2*len(w.held) > w.set.look().shortest(w.held) {
		return nil
	}
	tail := w.held[w.shown:]
	w.shown = len(w.held)
	_, err := w.w.Write(tail)
	return err
}

// advance takes p and passes on all that is decided; with final, everything.
func (w *Writer) advance(p []byte, final bool) error {
	b := p
	if len(w.held) > 0 {
		w.held = append(w.held, p...)
		b = w.held
	}
	w.out = w.out[:0]
	keep := w.scan(b, final)
	w.text(b, keep)
	w.held = append(w.held[:0], b[keep:]...)
	w.shown -= keep
	w.covered = max(w.covered-keep, 0)
	if len(w.out) == 0 {
		return nil
	}
	_, err := w.w.Write(w.out)
	return err
}

// scan replaces the secrets in b up to the first position where one is begun
// but not ended, which it returns; with final, in all of b.
func (w *Writer) scan(b []byte, final bool) int {
	x := w.set.look()
	if x == nil {
		return len(b)
	}
	for at := x.next(b, 0); at < len(b); at = x.next(b, at+1) {
		needle, open := x.match(b[at:])
		if needle != "" {
			w.cover(b, at, at+len(needle), x.names[needle])
		}
		if open && !final {
			return at
		}
	}
	return len(b)
}

// cover replaces b[from:to], unless it only prolongs what was replaced before.
// What Idle has let go of it is there already.
func (w *Writer) cover(b []byte, from, to int, name string) {
	fresh := from >= w.covered
	if fresh {
		w.text(b, from)
	}
	switch {
	case w.set.Style == Width:
		w.stars(b[min(max(w.shown, from), to):to])
	case fresh && w.set.Style == Named && name != "":
		w.out = append(append(append(w.out, "[secret "...), name...), ']')
	case fresh:
		w.out = append(w.out, Replacement...)
	}
	w.covered = max(w.covered, to)
	w.shown = max(w.shown, w.covered)
}

// stars writes one star for each character of secret. Lines stay lines.
func (w *Writer) stars(secret []byte) {
	for _, c := range secret {
		switch {
		case c == '\n' || c == '\r':
			w.out = append(w.out, c)
		case utf8.RuneStart(c):
			w.out = append(w.out, '*')
		}
	}
}

// text passes on b up to an end as it is.
func (w *Writer) text(b []byte, end int) {
	if end > w.shown {
		w.out = append(w.out, b[w.shown:end]...)
		w.shown = end
	}
}

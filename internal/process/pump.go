package process

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/escenv/escenv/internal/mask"
)

const (
	// idleAfter is how long the output must be silent, twice, before a person is
	// shown what may become a secret.
	idleAfter = 20 * time.Millisecond
	// quietAfter is how long the output must be silent, twice, when the command
	// has ended but something it left behind holds the output open.
	quietAfter = 25 * time.Millisecond
)

// A pump carries one stream of output and masks it.
type pump struct {
	from     *os.File // must be known to the runtime's poller
	to       sink
	idle     bool // somebody may be typing
	draining atomic.Bool
	done     chan struct{}
	failed   error // that the output could not be written; read it after drain

	timer *time.Timer  // looks whether the output is silent
	reads atomic.Int64 // that have ended
	waits atomic.Bool  // something is held back that silence would let go
	late  atomic.Bool  // a read was made to give up

	mu      sync.Mutex
	watched bool  // the timer runs, for what is held back
	seen    int64 // reads, at its last look
	still   bool  // there was none since the look before that
}

// A sink is what a pump carries to: a mask.Writer, or what changes nothing.
type sink interface {
	io.Writer
	Held() bool
	Idle() error
	Flush() error
}

type plain struct{ *os.File }

func (plain) Held() bool   { return false }
func (plain) Idle() error  { return nil }
func (plain) Flush() error { return nil }

// startPump carries from to to until from ends, or is silent after drain.
func startPump(from, to *os.File, secrets *mask.Set, idle bool) *pump {
	p := &pump{from: from, to: plain{to}, idle: idle && secrets != nil, done: make(chan struct{})}
	if secrets != nil {
		p.to = mask.NewWriter(to, secrets)
	}
	p.timer = time.AfterFunc(time.Hour, p.look)
	p.timer.Stop()
	go p.run()
	return p
}

// drain waits until all the command wrote is carried, but not for what others
// may write later.
func (p *pump) drain() {
	p.draining.Store(true)
	p.timer.Reset(quietAfter)
	<-p.done
}

// run carries until the end. On a pty that end is EIO, elsewhere EOF; any
// other error has no other remedy either. If the output cannot be written the
// command is to notice, as it would have.
func (p *pump) run() {
	defer close(p.done)
	defer p.from.Close()
	defer p.timer.Stop()
	buf := make([]byte, 32<<10)
	for silences := 0; silences < 2; {
		p.arm()
		n, err := p.from.Read(buf)
		p.reads.Add(1)
		if n > 0 {
			silences = 0
			if _, p.failed = p.to.Write(buf[:n]); p.failed != nil {
				return
			}
			p.waits.Store(p.idle && p.to.Held())
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			silences = p.silence(silences)
		case err != nil:
			silences = 2
		}
	}
	p.failed = p.to.Flush()
}

// arm has the timer look while somebody waits for the next read to give up.
// Mostly it looks already: to set a timer for each read would take longer than
// to mask what is read.
func (p *pump) arm() {
	if p.late.Swap(false) {
		_ = p.from.SetReadDeadline(time.Time{})
	}
	switch {
	case p.draining.Load(): // again, or for the first time
		p.timer.Reset(quietAfter)
	case p.waits.Load():
		p.watch()
	}
}

func (p *pump) watch() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.watched {
		p.watched, p.seen, p.still = true, p.reads.Load(), false
		p.timer.Reset(idleAfter)
	}
}

// look is what the timer does.
func (p *pump) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	reads := p.reads.Load()
	silent := reads == p.seen
	switch {
	case p.draining.Load():
		p.giveUp()
	case !p.waits.Load():
		p.watched = false
	case silent && p.still:
		p.watched = false
		p.giveUp()
	default:
		p.seen, p.still = reads, silent
		p.timer.Reset(idleAfter)
	}
}

// giveUp ends the read under way, or the next.
func (p *pump) giveUp() {
	p.late.Store(true)
	_ = p.from.SetReadDeadline(time.Unix(1, 0))
}

// silence is called when a read gave up; it counts silences while draining.
func (p *pump) silence(before int) int {
	_ = p.from.SetReadDeadline(time.Time{})
	if p.draining.Load() {
		return before + 1
	}
	p.waits.Store(false) // whether or not it lets go
	_ = p.to.Idle()
	return 0
}

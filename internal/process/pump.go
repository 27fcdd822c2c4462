package process

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/escenv/escenv/internal/mask"
)

const (
	// idleAfter is how long a person waits for what may become a secret.
	idleAfter = 40 * time.Millisecond
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
	timer    *time.Timer // makes a read give up
	armed    bool        // it may
	done     chan struct{}
	failed   error // that the output could not be written; read it after drain
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
	p.timer = time.AfterFunc(time.Hour, func() { _ = from.SetReadDeadline(time.Unix(1, 0)) })
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
		if n > 0 {
			silences = 0
			if _, p.failed = p.to.Write(buf[:n]); p.failed != nil {
				return
			}
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

// arm lets the next read give up if somebody waits for that.
func (p *pump) arm() {
	if p.armed {
		p.timer.Stop()
		_ = p.from.SetReadDeadline(time.Time{})
	}
	draining := p.draining.Load() // again, or for the first time
	p.armed = draining || p.idle && p.to.Held()
	switch {
	case draining:
		p.timer.Reset(quietAfter)
	case p.armed:
		p.timer.Reset(idleAfter)
	}
}

// silence is called when a read gave up; it counts silences while draining.
func (p *pump) silence(before int) int {
	if p.draining.Load() {
		_ = p.from.SetReadDeadline(time.Time{})
		return before + 1
	}
	p.armed = true // or late: either way the deadline has to go
	_ = p.to.Idle()
	return 0
}

package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// Limits of what callers may occupy.
const (
	maxConns     = 64               // at once; more wait to be accepted
	requestTime  = 10 * time.Second // until a caller has sent its request
	replyTime    = 10 * time.Second // until a caller has taken one frame
	shutdownTime = 5 * time.Second  // for requests under way when the agent stops
)

// A Handler does one operation. Its result is sent as JSON; its error as
// wire.FromError has it. Progress goes to esc.Progress. The context ends when
// the caller hangs up.
type Handler func(ctx context.Context, args json.RawMessage) (any, error)

// A Server answers requests. It answers wire.OpLeave itself.
type Server struct {
	Build    string
	Handlers map[wire.Op]Handler
	Idle     time.Duration // Serve ends after so long without a request; never if zero
	Now      func() time.Time
	After    func(time.Duration) <-chan time.Time
	Busy     func() bool // there is work to do although nobody asks: it is not idle; may be nil
	Lost     func() bool // nobody can reach it any more: Serve ends; asked each minute; may be nil
}

// Serve answers the requests of those who connect, one a connection. It ends
// when ctx does, when a caller asks the agent to leave, or when nobody asked
// for anything for the Idle time; then it closes l, lets the requests under way
// finish for a moment and returns nil.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	work, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()

	use := &usage{last: s.Now()}
	if s.Idle > 0 || s.Lost != nil {
		go s.stopWhenDone(ctx, stop, use)
	}
	var failed error
	closed := make(chan struct{})
	context.AfterFunc(ctx, func() { failed = l.Close(); close(closed) })
	leave := func() { stop(); <-closed } // whoever is told of it can take the socket at once

	var conns sync.WaitGroup
	s.acceptAll(ctx, l, func(conn net.Conn) {
		use.begin()
		conns.Go(func() {
			defer func() { use.end(s.Now()) }()
			s.serveConn(work, conn, leave)
		})
	})
	finish(&conns, abort)
	<-closed
	return failed
}

// acceptAll hands every connection to serve, which must not wait.
func (s *Server) acceptAll(ctx context.Context, l net.Listener, serve func(net.Conn)) {
	slots := make(chan struct{}, maxConns)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		conn, err := l.Accept()
		switch {
		case err == nil:
			serve(&slotConn{Conn: conn, free: sync.OnceFunc(func() { <-slots })})
		case ctx.Err() != nil:
			return
		default: // out of descriptors, perhaps: wait for one to be closed
			<-slots
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}
}

// A slotConn frees its place when it is closed.
type slotConn struct {
	net.Conn
	free func()
}

func (c *slotConn) Close() error {
	defer c.free()
	return c.Conn.Close()
}

func (c *slotConn) Write(p []byte) (int, error) {
	timer := closeAfter(replyTime, c)
	defer timer.Stop()
	return c.Conn.Write(p)
}

func closeAfter(d time.Duration, c io.Closer) *time.Timer {
	return time.AfterFunc(d, func() { _ = c.Close() })
}

// finish waits for the requests under way, and aborts those that take long.
func finish(conns *sync.WaitGroup, abort func()) {
	timer := time.AfterFunc(shutdownTime, abort)
	defer timer.Stop()
	conns.Wait()
}

// serveConn answers the one request of a connection. A caller that hangs up
// ends its request.
func (s *Server) serveConn(ctx context.Context, conn net.Conn, leave func()) {
	defer conn.Close()
	out := &replies{w: conn}
	timer := closeAfter(requestTime, conn)
	req, err := wire.ReadRequest(conn)
	timer.Stop()
	if err != nil {
		refuse(out, err)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.answer(&untilHangUp{Context: ctx, watch: func() {
		_, _ = conn.Read(make([]byte, 1)) // nothing may follow but the end
		cancel()
	}}, out, req, leave)
}

// untilHangUp is a context that ends when the caller hangs up. It begins to
// watch the connection when somebody first asks: most requests are answered
// before anybody does.
type untilHangUp struct {
	context.Context
	watch func()
	once  sync.Once
}

func (c *untilHangUp) Done() <-chan struct{} {
	c.once.Do(func() { go c.watch() })
	return c.Context.Done()
}

// refuse answers what is no request, unless the caller is gone.
func refuse(out *replies, err error) {
	if errors.Is(err, wire.ErrFrame) {
		out.end(nil, &esc.Error{Kind: esc.Invalid, Summary: "the request is a " + err.Error(), Err: err})
	}
}

// ServeStreams answers requests that come one after another on r, until r ends
// or a caller asks the agent to leave. The end of r also ends the request under
// way.
func (s *Server) ServeStreams(ctx context.Context, r io.Reader, w io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	requests := make(chan wire.Request)
	broken := make(chan error, 1)
	go func() {
		defer cancel()
		broken <- readAll(ctx, r, requests)
	}()
	for ctx.Err() == nil {
		select {
		case req := <-requests:
			s.answer(ctx, &replies{w: w}, req, cancel)
		case <-ctx.Done():
		}
	}
	select {
	case err := <-broken:
		return err
	default: // asked to leave
		return nil
	}
}

// readAll hands on the requests that r holds. It returns nil at the end of r.
func readAll(ctx context.Context, r io.Reader, requests chan<- wire.Request) error {
	for {
		req, err := wire.ReadRequest(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case requests <- req:
		case <-ctx.Done():
			return nil
		}
	}
}

// answer does what a request asks and replies.
func (s *Server) answer(ctx context.Context, out *replies, req wire.Request, leave func()) {
	ctx = context.WithValue(esc.WithProgress(ctx, out.progress), eventKey{}, out.event)
	out.end(s.do(ctx, req, leave))
}

type eventKey struct{}

// Event sends the caller of the request that ctx is for an event, before the
// result. It fails when the caller is gone, or takes no more.
func Event(ctx context.Context, event any) error {
	send, ok := ctx.Value(eventKey{}).(func(any) error)
	if !ok {
		return errNoCaller
	}
	return send(event)
}

var errNoCaller = errors.New("nobody is there to be told")

func (s *Server) do(ctx context.Context, req wire.Request, leave func()) (result any, err error) {
	defer func() {
		if recover() != nil { // what it says may hold a secret
			result, err = nil, esc.Errorf(esc.Internal, "the agent failed at this request")
		}
	}()
	if refused := req.Check(s.Build); refused != nil {
		return nil, refused
	}
	if req.Op == wire.OpLeave {
		leave()
		return nil, nil
	}
	handle, ok := s.Handlers[req.Op]
	if !ok {
		return nil, esc.Errorf(esc.Invalid, "the agent knows no such operation")
	}
	return handle(ctx, req.Args)
}

// replies are the frames that answer one request. Progress may come from many
// goroutines, and may come late.
type replies struct {
	mu    sync.Mutex
	w     io.Writer
	ended bool
}

func (r *replies) progress(words string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended && words != "" {
		_ = wire.WriteReply(r.w, wire.Reply{Progress: words}) // the caller may be gone
	}
}

// event writes one frame. Events are JSON of their operation's own.
func (r *replies) event(event any) error {
	text, err := json.Marshal(event)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return errNoCaller
	}
	return wire.WriteReply(r.w, wire.Reply{Event: text})
}

// end writes the last frame. A caller that is gone misses nothing it can use.
func (r *replies) end(result any, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	reply := wire.Reply{}
	if err == nil {
		reply.Result, err = wire.EncodeResult(result)
	}
	if err != nil {
		reply = wire.Reply{Error: wire.FromError(err)}
	}
	if errors.Is(wire.WriteReply(r.w, reply), wire.ErrFrame) { // too large: nothing was written
		large := &wire.Error{Kind: esc.Invalid, Summary: "the answer is larger than the agent may send"}
		_ = wire.WriteReply(r.w, wire.Reply{Error: large})
	}
}

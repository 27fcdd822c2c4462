package wire

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// DefaultTimeout ends a call that has no earlier deadline. It leaves a person
// the time to log in with a browser.
const DefaultTimeout = 5 * time.Minute

// ErrHungUp says that the agent ended the conversation without an answer: it
// was stopped or killed. Whether it did what was asked is not known.
var ErrHungUp = errors.New("the agent hung up")

// A Conn is the way to an agent.
type Conn interface {
	io.ReadWriteCloser
	// Interrupt makes waiting and later Reads and Writes fail, at once. Any
	// goroutine may call it, even after Close.
	Interrupt()
}

// A Client asks an agent. It is an esc.Opener.
type Client struct {
	Build   string                              // this program's build
	Dial    func(context.Context) (Conn, error) // how to reach the agent, once a call
	Timeout time.Duration                       // the longest call; DefaultTimeout if zero
}

// Call asks the agent to do op with args, and stores its answer in result; args
// and result may be nil. What the agent tells meanwhile goes to esc.Progress.
// A call ends as soon as ctx does. The agent's errors come back as they were:
// esc.Diagnostics or *esc.Error.
func (c *Client) Call(ctx context.Context, op Op, args, result any) error {
	req, err := c.request(op, args)
	if err != nil {
		return err
	}
	conn, err := c.Dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, stop := c.bound(ctx, conn)
	defer stop()
	reply, err := converse(ctx, conn, req)
	if err != nil {
		return explain(ctx, err)
	}
	return reply.into(op, result)
}

// bound ends the conversation when ctx does, or after the timeout. Where nobody
// but the clock can end it the system keeps the time: a timer of our own would
// cost a thread, and a prompt waits for this.
func (c *Client) bound(ctx context.Context, conn Conn) (context.Context, func()) {
	if s, ok := conn.(*socket); ok && ctx.Done() == nil {
		s.endIn(c.timeout())
		return ctx, func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	stop := context.AfterFunc(ctx, conn.Interrupt)
	return ctx, func() { stop(); cancel() }
}

func (c *Client) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return DefaultTimeout
}

func (c *Client) request(op Op, args any) (Request, error) {
	req := Request{V: Version, Build: c.Build, Op: op}
	var err error
	switch args := args.(type) {
	case nil:
	case OpenArgs:
		req.Args = encodeOpenArgs(args)
	default:
		req.Args, err = json.Marshal(args)
	}
	return req, err
}

// Open asks the agent to open an environment.
func (c *Client) Open(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	return Caller(c.Call).Open(ctx, req)
}

// A Caller is a way to ask an agent, such as Client.Call. It is an esc.Opener.
type Caller func(ctx context.Context, op Op, args, result any) error

// Open asks the agent to open an environment.
func (call Caller) Open(ctx context.Context, req esc.Request) (*esc.Environment, error) {
	var result OpenResult
	if err := call(ctx, OpOpen, OpenArgs(req), &result); err != nil {
		return nil, err
	}
	return result.Environment()
}

// converse sends req and returns the reply that ends the conversation.
func converse(ctx context.Context, conn Conn, req Request) (Reply, error) {
	agent := plain{conn}
	if err := WriteRequest(agent, req); err != nil {
		return Reply{}, err
	}
	in := bufio.NewReader(agent) // mostly a frame is there at once
	for {
		reply, err := ReadReply(in)
		switch {
		case err != nil:
			return reply, err
		case reply.Progress != "":
			esc.Progress(ctx, reply.Progress)
		case len(reply.Event) > 0:
			tell(ctx, reply.Event)
		default:
			return reply, nil
		}
	}
}

// A plain Conn is known by its type: what the methods of an interface are, a
// program finds out when it runs, and a prompt waits for that.
type plain struct{ Conn }

// explain says why a conversation broke off.
func explain(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return &esc.Error{
			Kind: esc.Unavailable, Summary: "the agent did not answer in time", Hint: "escenv agent stop", Err: context.DeadlineExceeded,
		}
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrFrame):
		return garbled(err)
	}
	return &esc.Error{Kind: esc.Unavailable, Summary: ErrHungUp.Error(), Hint: "try again", Err: ErrHungUp}
}

// into stores what the agent answered in result. An agent of another version
// still says whether it leaves.
func (r *Reply) into(op Op, result any) error {
	switch {
	case r.V != Version && op != OpLeave:
		return mismatch("the agent speaks another version of the protocol").Err()
	case r.Error != nil:
		return r.Error.Err()
	case result == nil:
		return nil
	}
	read := decode
	if _, ok := result.(*OpenResult); ok {
		read = decodeOpenResult
	}
	if err := read(r.Result, result); err != nil {
		return garbled(err)
	}
	return nil
}

func garbled(err error) error {
	return &esc.Error{Kind: esc.Internal, Summary: "talking to the agent: " + err.Error(), Hint: "escenv agent stop", Err: err}
}

// Streams is a Conn over the standard streams of a private agent, which ends
// when they are closed.
type Streams struct {
	R io.ReadCloser // the agent's standard output
	W io.WriteCloser
}

func (s Streams) Read(p []byte) (int, error)  { return s.R.Read(p) }
func (s Streams) Write(p []byte) (int, error) { return s.W.Write(p) }

// Close closes both streams.
func (s Streams) Close() error { return errors.Join(s.W.Close(), s.R.Close()) }

// Interrupt closes both streams.
func (s Streams) Interrupt() { _ = s.Close() }

package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"testing"
	"time"
)

// childVariable makes this test binary a child that answers questions, and
// says whose evaluator does.
const childVariable = "ESCENV_CONFORMANCE_CHILD"

// asked is the evaluators by name.
var asked = map[string]func(context.Context, question) (answer, error){"upstream": askReference, "escenv": askOurs}

func TestMain(m *testing.M) {
	if ask := asked[os.Getenv(childVariable)]; ask != nil {
		serve(os.Stdin, os.Stdout, ask)
		return
	}
	os.Exit(m.Run())
}

// A reply is an answer, or why there is none.
type reply struct {
	Answer answer `json:"answer"`
	Error  string `json:"error"`
}

// serve answers questions until there are no more. Upstream's evaluator may
// overflow its stack, which ends a process: this one. If escenv's ever did, it
// would be a difference.
func serve(in io.Reader, out io.Writer, ask func(context.Context, question) (answer, error)) {
	debug.SetMaxStack(64 << 20)
	questions, replies := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var q question
		if err := questions.Decode(&q); err != nil {
			return
		}
		if err := replies.Encode(askSafely(q, ask)); err != nil {
			return
		}
	}
}

func askSafely(q question, ask func(context.Context, question) (answer, error)) (r reply) {
	defer func() {
		if recover() != nil {
			r = reply{Error: "panic"}
		}
	}()
	a, err := ask(context.Background(), q)
	if err != nil {
		return reply{Error: err.Error()}
	}
	return reply{Answer: a}
}

// A child runs an evaluator in a process of its own.
type child struct {
	command *exec.Cmd
	in      *json.Encoder
	out     *bufio.Reader
	close   func() error
}

func startChild(who string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{command: exec.Command(self)}
	c.command.Env = append(os.Environ(), childVariable+"="+who)
	in, err := c.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.in, c.out, c.close = json.NewEncoder(in), bufio.NewReaderSize(out, 1<<16), in.Close
	return c, c.command.Start()
}

// errCrashed says that an evaluator did not survive a question.
var errCrashed = errors.New("the evaluator crashed")

// patience is how long one question may take.
const patience = 20 * time.Second

// ask asks one question. After an error the child is gone.
func (c *child) ask(q question) (answer, error) {
	guard := time.AfterFunc(patience, func() { _ = c.command.Process.Kill() })
	defer guard.Stop()
	if err := c.in.Encode(q); err != nil {
		return answer{}, errCrashed
	}
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return answer{}, errCrashed
	}
	var r reply
	if err := decode(line, &r); err != nil {
		return answer{}, err
	}
	if r.Error == "panic" {
		return answer{}, errCrashed
	}
	if r.Error != "" {
		return answer{}, errors.New(r.Error)
	}
	return r.Answer, nil
}

func (c *child) stop() {
	_ = c.close()
	_ = c.command.Process.Kill()
	_ = c.command.Wait()
}

// A witness asks one of the evaluators, and starts another one if a question
// kills it.
type witness struct {
	who   string
	child *child
}

func (w *witness) ask(q question) (answer, error) {
	if w.child == nil {
		var err error
		if w.child, err = startChild(w.who); err != nil {
			return answer{}, err
		}
	}
	a, err := w.child.ask(q)
	if err != nil {
		w.stop()
	}
	return a, err
}

func (w *witness) stop() {
	if w.child != nil {
		w.child.stop()
		w.child = nil
	}
}

// A referee asks both.
type referee struct{ upstream, escenv witness }

func newReferee() *referee {
	return &referee{upstream: witness{who: "upstream"}, escenv: witness{who: "escenv"}}
}

func (r *referee) stop() {
	r.upstream.stop()
	r.escenv.stop()
}

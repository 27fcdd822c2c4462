package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/escenv/escenv/internal/build"
	"github.com/escenv/escenv/internal/credentials"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/safefile"
	"github.com/escenv/escenv/internal/wire"
)

// served is where AWS's clients find an environment's credentials: an endpoint
// on loopback that a private agent, a child of ours, answers at and renews
// ahead of expiry. It lasts until it is closed, or until escenv is no more.
type served struct {
	URL    string                 // for AWS_CONTAINER_CREDENTIALS_FULL_URI
	Token  string                 // for AWS_CONTAINER_AUTHORIZATION_TOKEN
	Events <-chan wire.ServeEvent // secrets to mask from now on, expiry, problems; closed when it ends

	stop context.CancelFunc
	done <-chan struct{} // closed when the agent has ended
	err  error           // why, when it has
}

// serveCredentials serves the credentials that refs, opened in layers, set. It
// returns when the first are there to be served. The shared agent opens them,
// unless the user wants none; if it cannot be reached any more, the private one
// does. Whoever calls this must read Events and call Close.
func (p *program) serveCredentials(ctx context.Context, refs []esc.Ref) (*served, error) {
	ctx, stop := context.WithCancel(ctx)
	events := make(chan wire.ServeEvent, 16)
	done := make(chan struct{})
	s := &served{Events: events, stop: stop, done: done}
	started := make(chan wire.ServeEvent, 1)
	go func() {
		defer close(done)
		defer close(events)
		s.err = p.stream(ctx, refs, func(event wire.ServeEvent) {
			if event.URL != "" {
				started <- event
			}
			event.URL, event.Token = "", ""
			select {
			case events <- event:
			case <-ctx.Done():
			}
		})
	}()
	select {
	case first := <-started:
		s.URL, s.Token = first.URL, first.Token
		return s, nil
	case <-done:
		stop()
		return nil, s.failure()
	}
}

// stream has a private agent serve and hands on what it tells.
func (p *program) stream(ctx context.Context, refs []esc.Ref, heard func(wire.ServeEvent)) error {
	args := wire.OpenArgs{Refs: refs, Holder: os.Getpid()}
	var garbled error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := &wire.Client{Build: build.ID(), Dial: p.dialServing}
	talk := &talk{say: p.sayProgress}
	defer talk.end()
	ctx = esc.WithProgress(ctx, talk.progress)
	err := client.Stream(ctx, wire.OpServe, args, func(raw json.RawMessage) {
		event, err := wire.DecodeServeEvent(raw)
		if err != nil {
			garbled = err
			cancel()
			return
		}
		talk.end() // the screen is the command's from now on
		heard(event)
	})
	if garbled != nil {
		return garbled
	}
	return err
}

// dialServing finds the private agent that serves: the one that opened the
// environment, if one did, so that nobody signs in twice.
func (p *program) dialServing(context.Context) (wire.Conn, error) {
	switch opened := p.kept.take(); {
	case opened != nil:
		return opened, nil
	case p.noAgent() || p.ambient():
		return p.startPrivate()
	}
	return p.startPrivate("--shared")
}

// A keptAgent is a private agent that stays for more than one question. There
// is none until the first; a nil one is never there.
type keptAgent struct{ conn wire.Conn }

// dial returns the way to the agent, which start starts if it is not there.
func (k *keptAgent) dial(start func(...string) (wire.Conn, error)) (wire.Conn, error) {
	if k.conn == nil {
		conn, err := start()
		if err != nil {
			return nil, err
		}
		k.conn = conn
	}
	return staying{k.conn}, nil
}

// take hands the agent over to somebody who will close it; nil if there is none.
func (k *keptAgent) take() (conn wire.Conn) {
	if k != nil {
		conn, k.conn = k.conn, nil
	}
	return conn
}

// close ends the agent, if there is one.
func (k *keptAgent) close() {
	if conn := k.take(); conn != nil {
		_ = conn.Close() // it has answered
	}
}

// staying is a way to an agent that answers again.
type staying struct{ wire.Conn }

func (staying) Close() error { return nil }

// failure says why nothing is served.
func (s *served) failure() error {
	if s.err == nil {
		return esc.Errorf(esc.Internal, "the private agent serves nothing").WithHint("escenv exec --no-refresh")
	}
	return s.err
}

// Close ends the endpoint and returns when it is gone.
func (s *served) Close() error {
	s.stop()
	<-s.done
	if errors.Is(s.err, context.Canceled) {
		return nil
	}
	return s.err
}

// variables returns what a command needs to be given to use the endpoint, and
// which variables it must not have, because clients would prefer them.
func (s *served) variables() (set map[string]string, unset []string) {
	return map[string]string{credentials.EndpointVariable: s.URL, credentials.TokenVariable: s.Token}, credentials.Rivals()
}

// awsFiles are the files in which AWS's clients look for profiles: the variable
// that names each, and where it is otherwise.
var awsFiles = []struct{ variable, file string }{
	{"AWS_CONFIG_FILE", ".aws/config"},
	{"AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"},
}

// maxAWSFile is the longest of them that is read, in bytes.
const maxAWSFile = 1 << 20

// shadows returns files for a command to have in place of the user's AWS
// configuration, each with the name of the variable to set to its path: the
// keys of the default profile would beat the endpoint. There are none for files
// that hold no such keys.
func (p *program) shadows() ([]esc.File, error) {
	var files []esc.File
	for _, f := range awsFiles {
		text, err := p.readAWSFile(f.variable, f.file)
		if err != nil {
			return nil, err
		}
		if shadow, changed := credentials.Shadow(text); changed {
			files = append(files, esc.File{Name: f.variable, Content: esc.NewSecret(shadow)})
		}
	}
	return files, nil
}

// readAWSFile returns the text of a file of profiles, nothing if clients find
// nothing there either.
func (p *program) readAWSFile(variable, file string) (string, error) {
	path := p.getenv(variable)
	if path == "" {
		path = filepath.Join(p.getenv("HOME"), file)
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() { // such as /dev/null
		return "", nil //nolint:nilerr // what cannot be found sets no keys
	}
	text, _, err := safefile.Read(path, safefile.Rule{Access: safefile.Public, Max: maxAWSFile})
	if errors.Is(err, fs.ErrPermission) {
		return "", nil
	}
	return string(text), err
}

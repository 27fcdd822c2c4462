// Package credserver serves the credentials of one environment to the AWS
// clients of one command, as a container's credentials endpoint does, and keeps
// them fresh for as long as the command runs.
//
// Any process of the machine can connect to a loopback address, and so can a
// page in a browser. What keeps them out is a token that only the command is
// given; the other checks are there in case it is not kept.
package credserver

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/escenv/escenv/internal/credentials"
)

// Limits of what clients may occupy. All they send is a line and a few headers,
// and all they are sent is shorter still.
const (
	maxConns    = 64
	maxHeader   = 4 << 10 // net/http allows 4 KiB more
	requestTime = 2 * time.Second
	answerTime  = 2 * time.Second
)

// A Source knows credentials that are valid now, and says so at once: clients
// give up after a second. Its error is for people to read.
type Source func(context.Context) (credentials.Credentials, error)

// An Endpoint is where clients ask.
type Endpoint struct {
	URL   string // http, 127.0.0.1, a port and a path that nobody can guess
	Token string // what clients must say in Authorization: 256 bits, printable

	source   Source
	host     string
	path     string
	listener net.Listener
}

// Listen opens an endpoint on the loopback interface. Only IPv4's: some clients
// accept no other address without TLS. uid is who runs the command: where the
// system can tell, nobody but them and root gets further than a connection.
func Listen(ctx context.Context, source Source, uid int) (*Endpoint, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	var secret [48]byte
	_, _ = rand.Read(secret[:]) // never fails
	e := &Endpoint{
		source: source, host: listener.Addr().String(),
		path:     "/credentials/" + hex.EncodeToString(secret[:16]),
		Token:    base64.RawURLEncoding.EncodeToString(secret[16:]),
		listener: newGate(listener, uid),
	}
	e.URL = "http://" + e.host + e.path
	return e, nil
}

// Close ends an endpoint that was never served.
func (e *Endpoint) Close() error { return e.listener.Close() }

// Serve answers until ctx ends, and then no longer: connections are closed, and
// the port is free when it returns.
func (e *Endpoint) Serve(ctx context.Context) error {
	server := &http.Server{
		Handler: e, ReadTimeout: requestTime, WriteTimeout: answerTime, MaxHeaderBytes: maxHeader,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(io.Discard, "", 0), // it would quote clients
	}
	server.SetKeepAlivesEnabled(false) // who asks once does not stay
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(closed); _ = server.Close() })
	err := server.Serve(e.listener)
	if stop() {
		return errors.Join(err, server.Close())
	}
	<-closed
	return nil
}

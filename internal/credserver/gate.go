package credserver

import (
	"net"
	"sync"
)

// A gate is a listener that lets in so many at once, and closes connections of
// other users before they have sent a byte: they could only be in the way.
type gate struct {
	net.Listener
	uid   int
	slots chan struct{}
	shut  chan struct{} // closed when the gate is
	close func() error
}

func newGate(l net.Listener, uid int) *gate {
	g := &gate{Listener: l, uid: uid, slots: make(chan struct{}, maxConns), shut: make(chan struct{})}
	g.close = sync.OnceValue(func() error { close(g.shut); return l.Close() })
	return g
}

// Close makes Accept return.
func (g *gate) Close() error { return g.close() }

// Accept returns the next connection of the user's.
func (g *gate) Accept() (net.Conn, error) {
	select {
	case g.slots <- struct{}{}:
	case <-g.shut:
		return nil, net.ErrClosed
	}
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			<-g.slots
			return nil, err
		}
		if g.admits(conn) {
			return &guest{Conn: conn, leave: sync.OnceFunc(func() { <-g.slots })}, nil
		}
		_ = conn.Close()
	}
}

// admits reports whether the other end of a connection is the user's or root's,
// or nobody can tell.
func (g *gate) admits(conn net.Conn) bool {
	peer, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok || !peer.IP.IsLoopback() {
		return false
	}
	local, ok := conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return false
	}
	uid, known := peerUID(peer, local)
	return !known || uid == g.uid || uid == 0
}

// A guest is a connection that frees its place when it is closed.
type guest struct {
	net.Conn
	leave func()
}

func (g *guest) Close() error {
	defer g.leave()
	return g.Conn.Close()
}

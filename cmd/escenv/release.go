package main

import (
	"context"

	"github.com/escenv/escenv/internal/build"
	"github.com/escenv/escenv/internal/wire"
)

// release tells a running agent that a shell uses nothing any more, so that it
// need not keep anything fresh for it. Nobody waits for an answer: an agent that
// misses it renews what nobody needs until the shell ends.
func (p *program) release(shell int) {
	path, err := p.socketPath()
	if err != nil || p.noAgent() || p.ambient() {
		return
	}
	conn, err := wire.DialSocket(path)(context.Background())
	if err != nil {
		return // nobody keeps anything
	}
	_ = wire.WriteRequest(conn, wire.ReleaseRequest(build.ID(), shell))
	_ = conn.Close()
}

package main

import (
	"context"
	"fmt"
	"os"

	"github.com/escenv/escenv/internal/build"
	"github.com/escenv/escenv/internal/wire"
)

// status describes the agent, also to callers of another build: fields may be
// added to the result, never changed.
func (k *keeper) status(context.Context, none) (*wire.StatusResult, error) {
	result := &wire.StatusResult{
		Build: build.ID(), PID: os.Getpid(), Started: k.started, Leases: []wire.LeaseStatus{},
	}
	if setup, err := k.current(); err != nil {
		result.Identity = "none: " + err.Error()
	} else {
		result.Identity = fmt.Sprint(setup.tokens)
		result.Region, result.Endpoint = setup.config.AWS.Region, setup.config.AWS.Endpoint
	}
	for _, l := range k.cache.Environments() {
		result.Leases = append(result.Leases, wire.LeaseStatus{Name: l.Name, Expires: l.Expires, Renew: l.Renew})
	}
	return result, nil
}

// forget drops every opened environment, and has every shell ask for its own
// again.
func (k *keeper) forget(context.Context, none) (none, error) {
	k.cache.Forget()
	k.touch()
	return none{}, nil
}

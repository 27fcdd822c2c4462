package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/escenv/escenv/internal/agent"
	"github.com/escenv/escenv/internal/build"
	"github.com/escenv/escenv/internal/esc"
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
	result.Locked, result.Swappable = k.cache.Locked(), k.swappable
	held := k.cache.Environments()
	for _, e := range held {
		result.Environments = append(result.Environments, environmentStatus(e))
	}
	result.Leases = leaseStatus(held)
	return result, nil
}

func environmentStatus(e agent.Opened) wire.EnvironmentStatus {
	return wire.EnvironmentStatus{
		Name: e.Name, Expires: e.Expires, Renew: e.Renew, Holders: len(e.Holders), Delay: delayStatus(e.Delay),
	}
}

func delayStatus(d *esc.Delay) wire.Delay {
	if d == nil {
		return wire.Delay{}
	}
	said := wire.FromError(d.Err)
	return wire.Delay{Problem: said.Summary, Hint: said.Hint, Since: d.Since}
}

// leaseStatus lists the leases of environments by name. One on which several
// rest is there once, with all who hold it, as who looked at it last saw it.
func leaseStatus(held []agent.Opened) []wire.LeaseStatus {
	list := []wire.LeaseStatus{}
	holders := map[int]map[int]bool{} // of each in list
	for _, e := range held {
		for _, l := range e.Leases {
			at := slices.IndexFunc(list, func(s wire.LeaseStatus) bool { return s.Name == l.Name && s.Expires.Equal(l.Expires) })
			if at < 0 {
				at = len(list)
				list = append(list, wire.LeaseStatus{Name: l.Name, Expires: l.Expires})
				holders[at] = map[int]bool{}
			}
			if !l.Renew.Before(list[at].Renew) {
				list[at].Renew, list[at].Delay = l.Renew, delayStatus(l.Delay)
			}
			for _, pid := range e.Holders {
				holders[at][pid] = true
			}
			list[at].Holders = len(holders[at])
		}
	}
	slices.SortStableFunc(list, func(a, b wire.LeaseStatus) int { return strings.Compare(a.Name, b.Name) })
	return list
}

package process

import (
	"context"
	"fmt"
	"os"
	"syscall"
)

// Child runs the command beside this process, which stays to mask its output,
// or only to know when it ends. When ctx ends, so does the command: by SIGTERM
// or, if that takes longer than Grace, by SIGKILL.
//
// A *StartError says that it did not start, another error that output of a
// command that succeeded was lost. As the first process of a container, escenv
// also takes care of what other processes leave behind.
func (c *Command) Child(ctx context.Context) (Status, error) {
	path, err := c.lookPath()
	if err != nil {
		return Status{}, err
	}
	r := &relay{terminal: openControlling()}
	defer r.terminal.Close()
	if r.out, err = c.openOutputs(); err != nil {
		return Status{}, fmt.Errorf("opening what %s writes to: %w", c.Args[0], err)
	}
	if r.child, err = c.start(path, r.out.files, r.terminal == nil); err != nil {
		r.out.abandon()
		return Status{}, &StartError{c.Args[0], err}
	}
	// Not before: it takes as long as many commands do. Whatever ends escenv
	// until then ends the command, too.
	caught, stop := catch(r.signals()...)
	defer stop()
	endings, callOff := endings(ctx)
	defer callOff()
	r.out.pump(c)
	status := r.follow(caught, endings)
	if err := r.out.drain(); err != nil && status.Code() == 0 {
		return status, fmt.Errorf("passing on what %s wrote: %w", c.Args[0], err)
	}
	return status, nil
}

// start starts the command, in a process group of its own if there is no
// terminal whose signals the group is to get.
func (c *Command) start(path string, files []*os.File, group bool) (started *child, err error) {
	sys := &syscall.SysProcAttr{Setpgid: group}
	followUs(sys)
	attr := &syscall.ProcAttr{Env: c.Env, Sys: sys}
	for _, f := range append([]*os.File{c.Stdin}, files...) {
		attr.Files = append(attr.Files, f.Fd())
	}
	err = launch(path, c.Args, func(path string, args []string) (err error) {
		started, err = spawnBound(path, args, attr)
		return err
	})
	return started, err
}

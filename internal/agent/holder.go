package agent

import "sync"

// A Process uses environments, which are kept fresh for as long as it lives.
type Process interface {
	Alive() bool
	// Await returns true when the process has ended, and false if it is closed
	// before, or if the system does not tell.
	Await() bool
	Close() error
}

// A finder finds a process of this user's, as FindProcess does.
type finder func(pid int) (Process, error)

// maxHolders bounds the descriptors that holders cost.
const maxHolders = 4096

// holders are the processes that use environments.
type holders struct {
	mu    sync.Mutex
	byPID map[int]*holder
}

// A holder is one of them, and what it uses: the keys of requests, and whether
// a prompt asked. A shell shows one environment at a time, so what its next
// prompt asks for takes the place of what the last one did.
type holder struct {
	Process
	uses map[string]bool
}

// hold remembers that a process uses what key stands for, and reports whether
// that is news. A process that find does not find uses nothing.
func (h *holders) hold(pid int, key string, prompt bool, find finder) (news bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.process(pid, find)
	if p == nil {
		return false
	}
	if asked, uses := p.uses[key]; uses && asked == prompt {
		return false
	}
	for other, asked := range p.uses {
		if prompt && asked {
			delete(p.uses, other)
		}
	}
	p.uses[key] = prompt
	return true
}

// process returns the holder with that id, which it may become now.
func (h *holders) process(pid int, find finder) *holder {
	p := h.byPID[pid]
	if p != nil && p.Alive() {
		return p
	}
	h.drop(pid, p)
	if len(h.byPID) >= maxHolders {
		return nil
	}
	found, err := find(pid)
	if err != nil {
		return nil
	}
	if h.byPID == nil {
		h.byPID = map[int]*holder{}
	}
	h.byPID[pid] = &holder{Process: found, uses: map[string]bool{}}
	return h.byPID[pid]
}

func (h *holders) drop(pid int, p *holder) {
	if p != nil {
		_ = p.Close() // it is only looked at
		delete(h.byPID, pid)
	}
}

// release says that a process uses nothing any more.
func (h *holders) release(pid int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(pid, h.byPID[pid])
}

// users returns the living processes that use what each key stands for.
func (h *holders) users() map[string][]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	users := map[string][]int{}
	for pid, p := range h.byPID {
		if !p.Alive() {
			h.drop(pid, p)
			continue
		}
		for key := range p.uses {
			users[key] = append(users[key], pid)
		}
	}
	return users
}

// unhold says that what a key stands for is gone: whoever used it has to ask
// again.
func (h *holders) unhold(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for pid, p := range h.byPID {
		if delete(p.uses, key); len(p.uses) == 0 {
			h.drop(pid, p)
		}
	}
}

// meet finds a process, and waits for its end if anybody wants to know.
func (c *Cache) meet(pid int) (Process, error) {
	find := c.Find
	if find == nil {
		find = FindProcess
	}
	p, err := find(pid)
	if err == nil && c.Ended != nil {
		go c.outlive(p)
	}
	return p, err
}

func (c *Cache) outlive(p Process) {
	if p.Await() {
		c.plan() // without it
		c.Ended()
	}
}

package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// What a run of the load test is: `make load` asks for the whole, the ordinary
// tests take a sample.
var (
	loadShells = loadSize("ESCENV_LOAD_SHELLS", 12)
	loadMoves  = loadSize("ESCENV_LOAD_MOVES", 240) // by all shells together
	loadKills  = loadSize("ESCENV_LOAD_KILLS", 5)
)

func loadSize(variable string, sample int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return sample
}

// maxAgentMemory is what an agent may have resident, in KiB.
const maxAgentMemory = 64 << 10

// idleDescriptors is more than an agent has open when nobody asks.
const idleDescriptors = 16

// directories that shells move between; each but the first has an environment
// whose WHO is the directory's name.
var loadPlaces = []string{"outside", "a", "b", "c", "d", "e", "f", "g"}

// TestLoad opens many shells, which move between directories while the agent
// is killed again and again. Every prompt comes back, and no shell has what
// belongs to a directory it is not in.
func TestLoad(t *testing.T) {
	h := newHome(t, "ESCENV_QUIET=1")
	h.env = append(h.env, "TERM=dumb")
	h.write("places/outside/.keep", "")
	for _, place := range loadPlaces[1:] {
		h.write("config/escenv/environments/load/"+place+".yaml", "values: {environmentVariables: {WHO: "+place+"}}\n")
		h.write("places/"+place+"/.escenv", "load/"+place+"\n")
		h.must("places/"+place, "escenv", "allow", "--yes")
	}
	load := &loadRun{h: h}
	names := []string{"bash", "zsh", "fish"}
	for _, name := range names {
		h.write(shells[name].file, shells[name].text)
	}
	h.write("data/fish/generated_completions/none", "")
	shells := make([]*loadShell, loadShells)
	for i := range shells {
		shells[i] = load.start(t, names[i%len(names)], uint64(i))
	}
	load.moveAll(t, shells, loadMoves, loadKills)
	stormy := load.missed.Load() // killed agents answer nobody

	// One agent from here on: it must not grow.
	load.moveAll(t, shells, loadShells, 0)
	before, missed := load.agent(t), load.missed.Load()
	load.moveAll(t, shells, loadMoves/4, 0)
	after := load.agent(t)
	crowded := load.missed.Load() - missed // two seconds can be too short for hundreds at once
	for i, s := range shells {
		load.visit(t, s, "outside") // where nothing was lately tried in vain
		load.visit(t, s, loadPlaces[1+i%(len(loadPlaces)-1)])
	}
	if n := load.missed.Load() - missed - crowded; n > 0 {
		t.Errorf("%d of %d shells, one after the other, loaded nothing", n, len(shells))
	}
	if before.pid != after.pid {
		t.Errorf("agent %d was replaced by %d though nobody killed it", before.pid, after.pid)
	}
	// One descriptor tells of each shell whether it lives.
	if after.descriptors > loadShells+idleDescriptors || after.threads > before.threads+4 {
		t.Errorf("the agent grew from %+v to %+v", before, after)
	}
	if after.memory > maxAgentMemory {
		t.Errorf("the agent has %d KiB resident", after.memory)
	}
	t.Logf("%d shells, %d moves, %d agents killed, which left a shell with nothing %d times; then nothing %d times; the agent has %d KiB, %d descriptors, %d threads",
		loadShells, load.moves.Load(), load.killed.Load(), stormy, crowded, after.memory, after.descriptors, after.threads)
}

// A loadRun counts.
type loadRun struct {
	h                     *home
	moves, missed, killed atomic.Int64

	killing sync.Mutex
	owed    atomic.Int64 // how often the agent is still to be killed
}

// A loadShell is an interactive shell on a terminal, of which only what it
// prints is looked at.
type loadShell struct {
	name   string
	file   *os.File
	random *rand.Rand
	asked  int

	mu      sync.Mutex
	printed bytes.Buffer
	changed chan struct{}
}

func (r *loadRun) start(t *testing.T, name string, seed uint64) *loadShell {
	t.Helper()
	setup := shells[name]
	cmd := exec.Command(setup.args[0], setup.args[1:]...)
	cmd.Dir, cmd.Env = r.h.dir, r.h.env
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	s := &loadShell{name: name, file: file, random: rand.New(rand.NewPCG(seed, 1)), changed: make(chan struct{}, 1)}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		file.Close()
	})
	go s.read()
	return s
}

func (s *loadShell) read() {
	buf := make([]byte, 4096)
	for {
		n, err := s.file.Read(buf)
		s.mu.Lock()
		s.printed.Write(buf[:n])
		s.mu.Unlock()
		select {
		case s.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// moveAll has the shells move, all at once, so many times together, and kills
// the agent meanwhile.
func (r *loadRun) moveAll(t *testing.T, shells []*loadShell, moves, kills int) {
	t.Helper()
	left := atomic.Int64{}
	left.Store(int64(moves))
	var group sync.WaitGroup
	for _, s := range shells {
		group.Go(func() {
			for {
				n := left.Add(-1)
				if n < 0 || t.Failed() {
					return
				}
				if every := int64(moves / max(kills, 1)); kills > 0 && n%every == 0 {
					r.owed.Add(1)
				}
				r.kill()
				r.move(t, s)
			}
		})
	}
	group.Wait()
	r.owed.Store(0)
}

func (r *loadRun) move(t *testing.T, s *loadShell) {
	t.Helper()
	r.visit(t, s, loadPlaces[s.random.IntN(len(loadPlaces))])
}

// visit takes a shell somewhere and asks it, on the same line, what it has. An
// agent that is killed at that moment may leave it with nothing.
func (r *loadRun) visit(t *testing.T, s *loadShell, place string) {
	t.Helper()
	s.asked++
	fmt.Fprintf(s.file, "cd %s; printf '<%%s:%%s>\\n' %d \"$WHO\"\r", r.h.path("places/"+place), s.asked)
	who, ok := s.answer(regexp.MustCompile(fmt.Sprintf(`<%d:([a-z]*)>`, s.asked)))
	r.moves.Add(1)
	switch {
	case !ok:
		t.Errorf("%s did not come back from %s:\n%s", s.name, place, s.tail())
	case who == "" && place != "outside":
		r.missed.Add(1)
	case who != "" && who != place:
		t.Errorf("%s is in %s and has what belongs to %s", s.name, place, who)
	}
}

// answer waits until the shell has printed what wanted finds.
func (s *loadShell) answer(wanted *regexp.Regexp) (string, bool) {
	deadline := time.After(2 * patience)
	for {
		s.mu.Lock()
		found := wanted.FindStringSubmatch(s.printed.String())
		if found != nil {
			s.printed.Reset()
		}
		s.mu.Unlock()
		if found != nil {
			return found[1], true
		}
		select {
		case <-s.changed:
		case <-deadline:
			return "", false
		}
	}
}

func (s *loadShell) tail() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.printed.String()
}

// kill ends the agent as nothing else would, if that is due and there is one
// at the moment.
func (r *loadRun) kill() {
	if r.owed.Load() == 0 || !r.killing.TryLock() {
		return
	}
	defer r.killing.Unlock()
	if pid := r.agentPID(); r.owed.Load() > 0 && pid > 0 && syscall.Kill(pid, syscall.SIGKILL) == nil {
		r.killed.Add(1)
		r.owed.Add(-1)
	}
}

// agentPID asks the system who listens at the socket, 0 for nobody.
func (r *loadRun) agentPID() int {
	sockets, _ := filepath.Glob(r.h.path("run/escenv/agent-*.sock"))
	if len(sockets) == 0 {
		return 0
	}
	conn, err := net.Dial("unix", sockets[0])
	if err != nil {
		return 0
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0
	}
	var peer *syscall.Ucred
	if raw.Control(func(fd uintptr) {
		peer, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}) != nil || err != nil {
		return 0
	}
	return int(peer.Pid)
}

// agentSize is what an agent takes.
type agentSize struct{ pid, memory, descriptors, threads int }

func (r *loadRun) agent(t *testing.T) agentSize {
	t.Helper()
	pid := r.agentPID()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatalf("no agent is running: %v", err)
	}
	size := agentSize{pid: pid, memory: procField(status, "VmRSS:"), threads: procField(status, "Threads:")}
	open, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid)) // root alone may look
	size.descriptors = len(open)
	return size
}

func procField(status []byte, name string) int {
	_, rest, _ := strings.Cut(string(status), name)
	n, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	return n
}

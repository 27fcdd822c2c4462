package hooks_test

import (
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// columns and rows of a terminal, unless a house has others.
const columns, rows = 200, 50

// mark is how the title begins by which the last prompt hook says that it has
// run: nobody sees it on the screen.
const mark = "sync:"

// A terminal is what a person has in front of them: a screen, with all that has
// scrolled off it. It answers what a shell asks a terminal.
type terminal struct {
	tty     *os.File
	changed chan struct{} // has one when there is something new

	mu     sync.Mutex
	screen *vt.Emulator
	stream strings.Builder // all that came, byte by byte
	marks  []string        // what each prompt's mark said
}

// openTerminal runs cmd on a terminal, until the test is over.
func openTerminal(t *testing.T, cmd *exec.Cmd, columns int) *terminal {
	t.Helper()
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: rows, Cols: uint16(columns)})
	must(t, err)
	term := &terminal{tty: tty, changed: make(chan struct{}, 1), screen: vt.NewEmulator(columns, rows)}
	term.screen.SetCallbacks(vt.Callbacks{Title: func(title string) {
		if said, ok := strings.CutPrefix(title, mark); ok {
			term.marks = append(term.marks, said)
		}
	}})
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // also what a shell forked to run in
		_ = cmd.Wait()
		tty.Close()
	})
	go func() { _, _ = io.Copy(tty, term.screen) }() // the answers
	go term.show()
	return term
}

// show brings to the screen what the shell prints, until it is gone.
func (term *terminal) show() {
	buf := make([]byte, 4096)
	for {
		n, err := term.tty.Read(buf)
		term.mu.Lock()
		term.stream.Write(buf[:n])
		_, _ = term.screen.Write(buf[:n])
		term.mu.Unlock()
		select {
		case term.changed <- struct{}{}:
		default:
		}
		if err != nil {
			_ = term.screen.InputPipe().(io.Closer).Close()
			return
		}
	}
}

// A view is what was on the screen at one moment.
type view struct {
	lines  []string // from the first that scrolled off to the last, without blanks at their ends
	row    int      // the cursor's, among lines
	column int
	marks  []string
}

// before returns what stands in the cursor's line before it.
func (v view) before() string {
	line := []rune(v.lines[v.row] + strings.Repeat(" ", v.column))
	return string(line[:v.column])
}

// view returns what is on the screen from that line on; others are empty.
func (term *terminal) view(from int) view {
	term.mu.Lock()
	defer term.mu.Unlock()
	gone := term.screen.ScrollbackLen()
	cursor := term.screen.CursorPosition()
	v := view{lines: make([]string, gone+term.screen.Height()), row: gone + cursor.Y, column: cursor.X, marks: slices.Clone(term.marks)}
	for i := max(from, 0); i < len(v.lines); i++ {
		v.lines[i] = term.line(i)
	}
	return v
}

// line returns one line, without blanks at its end.
func (term *terminal) line(i int) string {
	var b strings.Builder
	for x := range term.screen.Width() {
		text, _ := term.cell(x, i)
		b.WriteString(text)
	}
	return strings.TrimRight(b.String(), " ")
}

// cell returns what one cell of a line has, and whether it has a colour or
// another style.
func (term *terminal) cell(x, line int) (text string, styled bool) {
	gone := term.screen.ScrollbackLen()
	cell := term.screen.CellAt(x, line-gone)
	if line < gone {
		cell = term.screen.ScrollbackCellAt(x, line)
	}
	if cell == nil {
		return "", false // the line is not that long
	}
	return cell.Content, !cell.Style.IsZero()
}

// bytes returns all that ever came, as it came.
func (term *terminal) bytes() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.stream.String()
}

// styled returns the lines from that one on in which something has a colour or
// another style.
func (term *terminal) styled(from int) []string {
	term.mu.Lock()
	defer term.mu.Unlock()
	var lines []string
	for i := from; i < term.screen.ScrollbackLen()+term.screen.Height(); i++ {
		for x := range term.screen.Width() {
			if _, styled := term.cell(x, i); styled {
				lines = append(lines, term.line(i))
				break
			}
		}
	}
	return lines
}

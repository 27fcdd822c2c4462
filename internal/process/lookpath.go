package process

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// defaultPath is searched if the command's environment has no PATH.
const defaultPath = "/usr/local/bin:/usr/bin:/bin"

// lookPath finds the command as execvp(3) does, in the PATH that the command
// itself will have.
func (c *Command) lookPath() (string, error) {
	name := c.Args[0]
	if c.Path != "" {
		return c.Path, nil
	}
	if strings.Contains(name, "/") {
		if err := executable(name); err != nil {
			return "", &StartError{name, err}
		}
		return name, nil
	}
	worst := error(syscall.ENOENT)
	for _, dir := range filepath.SplitList(c.searchPath()) {
		file := filepath.Join(dir, name)
		if dir == "" {
			file = "./" + name
		}
		err := executable(file)
		if err == nil && name != "" {
			return file, nil
		}
		if errors.Is(err, syscall.EACCES) {
			worst = err
		}
	}
	return "", &StartError{name, worst}
}

func (c *Command) searchPath() string {
	for _, entry := range c.Env {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			return value
		}
	}
	return defaultPath
}

// executable returns the errno that execve would, as far as can be told.
func executable(file string) error {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return errno(err)
	case info.IsDir():
		return syscall.EISDIR
	case unix.Faccessat(unix.AT_FDCWD, file, unix.X_OK, unix.AT_EACCESS) != nil:
		return syscall.EACCES
	}
	return nil
}

func errno(err error) error {
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return e
	}
	return err
}

// launch starts a program with start or, if the system takes it for none but it
// is text, a shell that reads it, as execvp(3) does for env(1) and timeout(1).
func launch(path string, args []string, start func(path string, args []string) error) error {
	err := start(path, args)
	if errors.Is(err, syscall.ENOEXEC) && isText(path) {
		return start("/bin/sh", append([]string{"/bin/sh", path}, args[1:]...))
	}
	return err
}

// isText reports whether a file begins as no program for another machine does.
func isText(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, 256)
	n, err := file.Read(head)
	return (err == nil || errors.Is(err, io.EOF)) && head[0] != 0x7f && bytes.IndexByte(head[:n], 0) < 0
}

package safefile

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"
)

// A plain is an open file that is read without any of the machinery for waiting
// that os.File has, which a prompt would wait for.
type plain struct {
	fd   int
	path string
}

// openPlain opens a file for reading.
func openPlain(path string, flag int) (fs.File, error) {
	for {
		fd, err := syscall.Open(path, flag|syscall.O_CLOEXEC, 0)
		switch {
		case err == nil:
			return &plain{fd, path}, nil
		case !errors.Is(err, syscall.EINTR):
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// Read reads like an io.Reader.
func (f *plain) Read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(f.fd, p)
		switch {
		case err == nil && n == 0 && len(p) > 0:
			return 0, io.EOF
		case err == nil:
			return n, nil
		case !errors.Is(err, syscall.EINTR):
			return 0, &fs.PathError{Op: "read", Path: f.path, Err: err}
		}
	}
}

// Stat describes the open file.
func (f *plain) Stat() (fs.FileInfo, error) {
	info := &plainInfo{name: filepath.Base(f.path)}
	if err := syscall.Fstat(f.fd, &info.st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: f.path, Err: err}
	}
	return info, nil
}

// Close closes the file.
func (f *plain) Close() error { return syscall.Close(f.fd) }

// A plainInfo describes a file as os.File.Stat does, as far as rules go.
type plainInfo struct {
	name string
	st   syscall.Stat_t
}

func (i *plainInfo) Name() string       { return i.name }
func (i *plainInfo) Size() int64        { return i.st.Size }
func (i *plainInfo) ModTime() time.Time { return modified(&i.st) }
func (i *plainInfo) IsDir() bool        { return i.Mode().IsDir() }
func (i *plainInfo) Sys() any           { return &i.st }

// Mode knows files and directories; whatever else there is is irregular.
func (i *plainInfo) Mode() fs.FileMode {
	mode := fs.FileMode(i.st.Mode & 0o777)
	switch i.st.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
	case syscall.S_IFDIR:
		mode |= fs.ModeDir
	default:
		mode |= fs.ModeIrregular
	}
	if i.st.Mode&syscall.S_ISVTX != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}

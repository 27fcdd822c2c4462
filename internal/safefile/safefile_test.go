package safefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/escenv/escenv/internal/safefile"
)

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// write makes a file of that mode, whatever the umask.
func write(t *testing.T, text string, mode fs.FileMode) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode))
	return path
}

func rule(access safefile.Access) safefile.Rule {
	return safefile.Rule{UID: os.Geteuid(), Access: access, Max: 1 << 10}
}

// wantUnsafe checks that err is about path, for that reason and with that hint.
func wantUnsafe(t *testing.T, err error, path, why, hint string) {
	t.Helper()
	var e *safefile.UnsafeError
	if !errors.As(err, &e) || e.Path != path || e.Why != why || e.Hint != hint || e.Error() != path+" "+why {
		t.Errorf("got error %+v, want %s %s, and then %s", err, path, why, hint)
	}
}

// What each kind of access makes of a file's mode.
func TestModes(t *testing.T) {
	const public, trusted, private = 1, 2, 4 // who reads it
	for mode, readers := range map[fs.FileMode]int{
		0o600: public | trusted | private, 0o400: public | trusted | private,
		0o640: public | trusted, 0o604: public | trusted, 0o755: public | trusted,
		0o610: public | trusted, 0o601: public | trusted,
		0o606: public, 0o602: public, 0o666: public,
	} {
		path := write(t, "text", mode)
		for access, bit := range map[safefile.Access]int{safefile.Public: public, safefile.Trusted: trusted, safefile.Private: private} {
			text, info, err := safefile.Read(path, rule(access))
			if want := readers&bit != 0; want != (err == nil) {
				t.Errorf("mode %04o, access %d: %v", mode, access, err)
			} else if want && (string(text) != "text" || info.Mode() != mode) {
				t.Errorf("mode %04o, access %d: %q, %v", mode, access, text, info)
			}
		}
	}
}

func TestARefusalSaysWhyAndWhatMendsIt(t *testing.T) {
	path := write(t, "", 0o646)
	_, _, err := safefile.Read(path, rule(safefile.Trusted))
	wantUnsafe(t, err, path, "can be written by anybody: its mode is 0646", "chmod go-w "+path)
	_, _, err = safefile.Read(path, rule(safefile.Private))
	wantUnsafe(t, err, path, "is open to other users: its mode is 0646", "chmod go-rwx "+path)

	sticky := t.TempDir()
	must(t, os.Chmod(sticky, fs.ModeSticky|0o777))
	_, err = safefile.OpenDir(sticky, rule(safefile.Trusted))
	wantUnsafe(t, err, sticky, "is a directory in which anybody may put files", "keep such files in a directory of your own")
}

func TestOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	for _, tt := range []struct {
		name      string
		uid, file int // the user's and the file's
		want      map[safefile.Access]bool
	}{
		{"own", 4242, 4242, map[safefile.Access]bool{safefile.Private: true, safefile.Trusted: true, safefile.Public: true}},
		{"root's", 4242, 0, map[safefile.Access]bool{safefile.Trusted: true, safefile.Public: true}},
		{"another's", 4242, 4243, map[safefile.Access]bool{safefile.Public: true}},
		{"another's, for root", 0, 4242, map[safefile.Access]bool{safefile.Public: true}},
	} {
		path := write(t, "", 0o600)
		must(t, os.Chown(path, tt.file, -1))
		for _, access := range []safefile.Access{safefile.Private, safefile.Trusted, safefile.Public} {
			_, _, err := safefile.Read(path, safefile.Rule{UID: tt.uid, Access: access})
			var e *safefile.UnsafeError
			if want := tt.want[access]; want != (err == nil) || !want && (!errors.As(err, &e) || !e.Foreign) {
				t.Errorf("%s, access %d: %v", tt.name, access, err)
			}
		}
	}
}

// A group may write what is its user's if it is that user's alone: its number
// is the user's. For root that would be every member of the group root.
func TestGroups(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	for _, tt := range []struct {
		name            string
		user, file, gid int
		mode            fs.FileMode
		access          safefile.Access
		want            string
	}{
		{"private group", 4242, 4242, 4242, 0o664, safefile.Trusted, ""},
		{"private group, for a key", 4242, 4242, 4242, 0o660, safefile.Private, "is open to other users: its mode is 0660"},
		{"private group, and others", 4242, 4242, 4242, 0o666, safefile.Trusted, "can be written by anybody: its mode is 0666"},
		{"shared group", 4242, 4242, 100, 0o664, safefile.Trusted, "can be written by its group: its mode is 0664"},
		{"group root", 4242, 4242, 0, 0o664, safefile.Trusted, "can be written by its group: its mode is 0664"},
		{"another's private group", 4242, 4243, 4243, 0o664, safefile.Trusted, "belongs to another user (uid 4243)"},
		{"root's file", 4242, 0, 0, 0o664, safefile.Trusted, "can be written by its group: its mode is 0664"},
		{"root's file in the user's group", 4242, 0, 4242, 0o664, safefile.Trusted, "can be written by its group: its mode is 0664"},
		{"root", 0, 0, 0, 0o664, safefile.Trusted, "can be written by its group: its mode is 0664"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "", 0o600)
			must(t, os.Chown(path, tt.file, tt.gid), os.Chmod(path, tt.mode))
			_, _, err := safefile.Read(path, safefile.Rule{UID: tt.user, Access: tt.access})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != path+" "+tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestWhatIsNoFileIsNotRead(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	must(t, syscall.Mkfifo(pipe, 0o600))
	for _, path := range []string{dir, pipe, "/dev/zero"} {
		_, _, err := safefile.Read(path, rule(safefile.Public)) // and does not hang
		wantUnsafe(t, err, path, "is not a regular file", "ls -l "+path)
	}
	if _, _, err := safefile.Read(filepath.Join(dir, "none"), rule(safefile.Public)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestALongFileIsNotRead(t *testing.T) {
	for limit, words := range map[int64]string{20_000: "20000 bytes", 64 << 10: "64 KiB", 1 << 20: "1 MiB"} {
		path := write(t, strings.Repeat("x", int(limit)), 0o600)
		r := safefile.Rule{Access: safefile.Public, Max: limit}
		if text, _, err := safefile.Read(path, r); err != nil || int64(len(text)) != limit {
			t.Errorf("%s: %d bytes, %v", words, len(text), err)
		}
		must(t, os.Truncate(path, limit+1))
		_, _, err := safefile.Read(path, r)
		wantUnsafe(t, err, path, "is longer than "+words, "ls -l "+path)
	}
}

// Some files are longer than they say.
func TestAFileThatSaysItIsEmpty(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip(err)
	}
	text, _, err := safefile.Read("/proc/self/status", safefile.Rule{Access: safefile.Public, Max: 64 << 10})
	if err != nil || !strings.HasPrefix(string(text), "Name:") || !strings.HasSuffix(string(text), "\n") {
		t.Errorf("read %q, %v", text, err)
	}
}

// What counts is the file a link ends at, unless links are not followed.
func TestLinks(t *testing.T) {
	target := write(t, "text", 0o600)
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(target, link))
	r := rule(safefile.Private)
	if text, _, err := safefile.Read(link, r); err != nil || string(text) != "text" {
		t.Errorf("followed: %q, %v", text, err)
	}
	r.NoFollow = true
	if text, _, err := safefile.Read(link, r); err == nil {
		t.Errorf("not followed: %q", text)
	}
	must(t, os.Chmod(target, 0o606))
	_, _, err := safefile.Read(link, rule(safefile.Trusted))
	wantUnsafe(t, err, link, "can be written by anybody: its mode is 0606", "chmod go-w "+link)
}

func TestBelowADirectory(t *testing.T) {
	path := write(t, "text", 0o600)
	dir := filepath.Dir(path)
	must(t, os.Chmod(dir, 0o700), os.Symlink("/etc/passwd", filepath.Join(dir, "out")), os.Symlink("file", filepath.Join(dir, "in")))
	root, err := safefile.OpenDir(dir, rule(safefile.Private))
	must(t, err)
	defer root.Close()
	r := rule(safefile.Private)
	for name, want := range map[string]bool{"file": true, "in": true, "out": false, "../" + filepath.Base(dir) + "/file": false, "/etc/passwd": false} {
		if text, err := safefile.ReadIn(root, name, r); want != (err == nil) || want && string(text) != "text" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	r.NoFollow = true
	_, err = safefile.ReadIn(root, "in", r)
	wantUnsafe(t, err, filepath.Join(dir, "in"), "is a symbolic link", "ls -l "+dir+"/in")
	must(t, os.Chmod(path, 0o640))
	_, err = safefile.ReadIn(root, "file", r)
	wantUnsafe(t, err, path, "is open to other users: its mode is 0640", "chmod go-rwx "+path)
}

package activation_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/esc"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tree makes a private directory with these files in it.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	must(t, os.Chmod(root, 0o700))
	for name, text := range files {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700))
		must(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
	}
	return root
}

func finder() activation.Finder { return activation.Finder{UID: os.Getuid()} }

func TestTheNearestFileCounts(t *testing.T) {
	root := tree(t, map[string]string{".escenv": "shop/dev", "a/b/.escenv": "shop/prod", "a/b/c/other": "", "d/.escenv/x": ""})
	for dir, want := range map[string]string{
		".": ".escenv", "a": ".escenv", "a/b": "a/b/.escenv", "a/b/c": "a/b/.escenv",
		"d": ".escenv", // a directory of that name is none
	} {
		file, err := finder().Find(filepath.Join(root, dir))
		if err != nil || file == nil || file.Path != filepath.Join(root, want) {
			t.Errorf("from %s: %+v, %v; want %s", dir, file, err, want)
		}
	}
	if file, err := finder().Find("/"); file != nil || err != nil {
		t.Errorf("at /: %v, %v", file, err)
	}
}

func TestLinksAreResolvedForTrustAndKeptForPeople(t *testing.T) {
	root := tree(t, map[string]string{"real/.escenv": "./env.yaml", "real/env.yaml": "values: {}"})
	must(t, os.Symlink("real", filepath.Join(root, "link")))
	file, err := finder().Find(filepath.Join(root, "link"))
	must(t, err)
	if file.Path != filepath.Join(root, "link/.escenv") || file.Canonical != filepath.Join(root, "real/.escenv") {
		t.Errorf("found %+v", file)
	}
	if file.Refs[0].Path != filepath.Join(root, "real/env.yaml") || file.Name() != "env.yaml" {
		t.Errorf("it opens %+v, called %s", file.Refs[0], file.Name())
	}
}

// TestTheWorkingDirectoryNeedsNoResolving: what is known to be without links saves
// looking, and changes nothing.
func TestTheWorkingDirectoryNeedsNoResolving(t *testing.T) {
	root := tree(t, map[string]string{"real/.escenv": "shop/dev", "real/sub/x": "", "realm/.escenv": "shop/prod", "linked/x": ""})
	must(t, os.Symlink("real", filepath.Join(root, "link")))
	must(t, os.Symlink("../real/.escenv", filepath.Join(root, "linked/.escenv")))
	for _, dir := range []string{"real", "real/sub", "link", "link/sub", "realm", "linked"} {
		want, err := finder().Find(filepath.Join(root, dir))
		must(t, err)
		for _, direct := range []string{"/", root, root + "/real", root + "/real/sub", root + "/linked"} {
			got, err := activation.Finder{UID: os.Getuid(), Direct: direct}.Find(filepath.Join(root, dir))
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("from %s, with %s: %v\n%s", dir, direct, err, diff)
			}
		}
	}
}

func TestADefinitionBesideTheCodeIsPinned(t *testing.T) {
	root := tree(t, map[string]string{".escenv": "shop/dev\n./env.yaml\n", "env.yaml": "values: {}"})
	before, err := finder().Find(root)
	must(t, err)
	if before.Refs[0].Digest != "" || len(before.Refs[1].Digest) != 64 {
		t.Errorf("the references are %+v", before.Refs)
	}
	must(t, os.WriteFile(filepath.Join(root, "env.yaml"), []byte("values: {a: 1}"), 0o600))
	after, err := finder().Find(root)
	must(t, err)
	if before.Digest == after.Digest || before.Refs[1].Digest == after.Refs[1].Digest {
		t.Error("an edited definition is still trusted")
	}
}

// TestAttacks are ways to bring a .escenv, or a definition it names, before
// somebody who did not write it. Each must be refused with its reason.
func TestAttacks(t *testing.T) {
	asRoot := os.Getuid() == 0
	ownGroup := os.Getgid() == os.Getuid() // which may write, unless it is root's
	for _, attack := range []struct {
		name    string
		prepare func(t *testing.T, root string)
		from    string
		want    string
		root    bool // needs root to prepare
	}{
		{"file anybody may write", func(t *testing.T, root string) { must(t, os.Chmod(root+"/p/.escenv", 0o602)) }, "p", "can be written by anybody", false},
		{"file its group may write", func(t *testing.T, root string) { must(t, os.Chmod(root+"/p/.escenv", 0o620)) }, "p", "can be written by its group", ownGroup},
		{"directory anybody may write", func(t *testing.T, root string) { must(t, os.Chmod(root+"/p", 0o707)) }, "p", "can be written by anybody", false},
		{"directory its group may write", func(t *testing.T, root string) { must(t, os.Chmod(root+"/p", 0o770)) }, "p", "can be written by its group", ownGroup},
		{"a file planted in a directory like /tmp", func(t *testing.T, root string) {
			must(t, os.Chmod(root+"/p", os.ModeSticky|0o777))
			must(t, os.MkdirAll(root+"/p/mine", 0o700))
		}, "p/mine", "anybody may put files", false},
		{"through a directory anybody may write", func(t *testing.T, root string) {
			must(t, os.MkdirAll(root+"/p/drop/mine", 0o700))
			must(t, os.Chmod(root+"/p/drop", 0o777))
		}, "p/drop/mine", "can be written by anybody", false},
		{"link to a file in a directory anybody may write", func(t *testing.T, root string) {
			must(t, os.Mkdir(root+"/drop", 0o700))
			must(t, os.Rename(root+"/p/.escenv", root+"/drop/.escenv"))
			must(t, os.Chmod(root+"/drop", 0o777))
			must(t, os.Symlink("../drop/.escenv", root+"/p/.escenv"))
		}, "p", "can be written by anybody", false},
		{"link to a file whose lines would be shown", func(t *testing.T, root string) {
			must(t, os.WriteFile(root+"/credentials", []byte("correct-horse-battery\n"), 0o600))
			must(t, os.Remove(root+"/p/.escenv"))
			must(t, os.Symlink("../credentials", root+"/p/.escenv"))
		}, "p", "which is no .escenv", false},
		{"definition anybody may write", func(t *testing.T, root string) {
			must(t, os.WriteFile(root+"/p/.escenv", []byte("./env.yaml"), 0o600))
			must(t, os.WriteFile(root+"/p/env.yaml", nil, 0o600))
			must(t, os.Chmod(root+"/p/env.yaml", 0o666))
		}, "p", "can be written by anybody", false},
		{"definition in a directory anybody may write", func(t *testing.T, root string) {
			must(t, os.WriteFile(root+"/p/.escenv", []byte("../drop/env.yaml"), 0o600))
			must(t, os.Mkdir(root+"/drop", 0o700))
			must(t, os.WriteFile(root+"/drop/env.yaml", nil, 0o600))
			must(t, os.Chmod(root+"/drop", 0o777))
		}, "p", "can be written by anybody", false},
		{"definition that is a pipe", func(t *testing.T, root string) {
			must(t, os.WriteFile(root+"/p/.escenv", []byte("./env.yaml"), 0o600))
			must(t, syscall.Mkfifo(root+"/p/env.yaml", 0o600))
		}, "p", "not a regular file", false},
		{"endless file", func(t *testing.T, root string) {
			must(t, os.WriteFile(root+"/p/.escenv", []byte(strings.Repeat("#\n", 40<<10)), 0o600))
		}, "p", "longer than 64 KiB", false},
		{"another user's file", func(t *testing.T, root string) { must(t, os.Chown(root+"/p/.escenv", 4242, -1)) }, "p", "another user (uid 4242)", true},
		{"another user's directory", func(t *testing.T, root string) { must(t, os.Chown(root+"/p", 4242, -1)) }, "p", "another user (uid 4242)", true},
		{"another user's definition", func(t *testing.T, root string) {
			must(t, os.WriteFile(root+"/p/.escenv", []byte("./env.yaml"), 0o600))
			must(t, os.WriteFile(root+"/p/env.yaml", nil, 0o600))
			must(t, os.Chown(root+"/p/env.yaml", 4242, -1))
		}, "p", "another user (uid 4242)", true},
	} {
		t.Run(attack.name, func(t *testing.T) {
			if attack.root && !asRoot {
				t.Skip("only root can give files away")
			}
			root := tree(t, map[string]string{"p/.escenv": "evil/prod\n"})
			if file, err := finder().Find(filepath.Join(root, "p")); err != nil || len(file.Refs) != 1 {
				t.Fatalf("without the attack: %+v, %v", file, err)
			}
			attack.prepare(t, root)
			file, err := finder().Find(filepath.Join(root, attack.from))
			if err == nil || !strings.Contains(err.Error(), attack.want) {
				t.Errorf("Find = %+v, %v; want a refusal: %s", file, err, attack.want)
			}
			if refusal, ok := errors.AsType[*esc.Error](err); ok && refusal.Hint == "" {
				t.Errorf("%v comes without a hint", err)
			}
			if file == nil || len(file.Refs) > 0 {
				t.Errorf("a refused file is used: %+v", file)
			}
		})
	}
}

// With a umask of 002, everything a user makes can be written by a group that
// is the user's alone, as on Ubuntu and Fedora.
func TestAPrivateGroupMayWrite(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	const alice, staff = 4242, 50
	root := tree(t, map[string]string{"p/.escenv": "./env.yaml", "p/env.yaml": "values: {}", "p/src/x": ""})
	give := func(gid int) {
		for _, name := range []string{"", "p", "p/.escenv", "p/env.yaml", "p/src"} {
			must(t, os.Chown(filepath.Join(root, name), alice, gid))
			must(t, os.Chmod(filepath.Join(root, name), 0o775))
		}
	}
	find := func() (*activation.File, error) { return activation.Finder{UID: alice}.Find(root + "/p/src") }
	give(alice)
	if file, err := find(); err != nil || len(file.Refs) != 1 {
		t.Errorf("in a private group: %+v, %v", file, err)
	}
	for _, name := range []string{"p/env.yaml", "p/.escenv", "p", "p/src"} {
		give(alice)
		path := filepath.Join(root, name)
		must(t, os.Chown(path, alice, staff))
		_, err := find()
		if want := path + " can be written by its group"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("in a shared group: %v; want %s", err, want)
		}
	}
}

// TestAnotherUsersTree needs no root: the finder is another user.
func TestAnotherUsersTree(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("what root owns is everybody's to use")
	}
	root := tree(t, map[string]string{".escenv": "shop/dev"})
	if _, err := (activation.Finder{UID: os.Getuid() + 1}).Find(root); err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("Find: %v", err)
	}
}

func TestParse(t *testing.T) {
	text := "# the shop\r\n\r\n  shop/dev  \n\tshop/eu@r1\n\n./env.yaml\n../x/y.yaml"
	refs, err := activation.Parse([]byte(text), ".escenv", "/src/shop")
	must(t, err)
	var got []string
	for _, ref := range refs {
		got = append(got, ref.String())
	}
	if want := "shop/dev shop/eu@r1 /src/shop/env.yaml /src/x/y.yaml"; strings.Join(got, " ") != want {
		t.Errorf("Parse = %v, want %s", got, want)
	}
}

func TestParseSaysWhereAndWhat(t *testing.T) {
	for text, want := range map[string]string{
		"":                          ".escenv:1:1: the file names no environment",
		"# only\n":                  ".escenv:1:1: the file names no environment",
		"shop/dev\n  shop":          `.escenv:2:3: "shop" does not name an environment: it has no project`,
		"/etc/x.yaml":               ".escenv:1:1: a path must begin with ./ or ../",
		"AWS_KEY=x":                 "no values and no commands",
		"$(id)/x":                   "no values and no commands",
		"shop/dev # mine":           "a comment needs a line of its own",
		"\xff/x":                    "not UTF-8",
		"\ufeffshop/dev":            "byte order mark",
		"shop/dev\x00":              "is not a name",
		"./a\x00b":                  "NUL",
		"shop/../dev":               "is not a name",
		"a/b c/d":                   "is not a name",
		strings.Repeat("a/b\n", 33): ".escenv:33:1: more than 32 environments",
	} {
		refs, err := activation.Parse([]byte(text), ".escenv", "/")
		var diags esc.Diagnostics
		if !errors.As(err, &diags) || !strings.Contains(err.Error(), want) || refs != nil {
			t.Errorf("Parse(%.20q) = %v, %v; want %s", text, refs, err, want)
		}
	}
}

// FuzzParse: whatever a file says, each reference it yields reads back as
// itself, is no absolute path in disguise and holds nothing a terminal obeys.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"shop/dev", "./a\n../b", "# x\r\n", "a/b@c", "s:a/b", "\x00", "../../../../etc/passwd"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		refs, err := activation.Parse(text, ".escenv", "/src/shop")
		if (err == nil) != (len(refs) > 0) {
			t.Fatalf("%d references and %v", len(refs), err)
		}
		for _, ref := range refs {
			if ref.Path == "" {
				if again, err := esc.ParseRef(ref.String(), "/"); err != nil || again != ref {
					t.Errorf("%+v reads back as %+v, %v", ref, again, err)
				}
			} else if !filepath.IsAbs(ref.Path) || strings.ContainsAny(ref.Path, "\n\x00") {
				t.Errorf("the path is %q", ref.Path)
			}
		}
	})
}

// TestTwoEditsWithinATick: what was written in this very tick of the clock that
// files get their times from may be written once more in it. It is read when
// that is over.
func TestTwoEditsWithinATick(t *testing.T) {
	root := tree(t, map[string]string{"shop/.escenv": "shop/dev"})
	path := filepath.Join(root, "shop/.escenv")
	ticks := 0
	f := finder()
	f.Coarse = func() time.Time {
		ticks++
		if ticks < 3 {
			return noon
		}
		if ticks == 3 { // the second edit, in the same tick
			must(t, os.WriteFile(path, []byte("shop/prod"), 0o600))
			must(t, os.Chtimes(path, noon, noon))
		}
		return noon.Add(4 * time.Millisecond)
	}
	must(t, os.Chtimes(path, noon, noon))
	file, err := f.Find(filepath.Join(root, "shop"))
	if err != nil || file.Name() != "shop/prod" || !file.ModTime.Equal(noon) {
		t.Errorf("Find = %+v, %v", file, err)
	}
	for _, at := range []time.Time{noon.Add(-time.Second), noon.Add(time.Hour)} { // of the past, and of a clock that is wrong
		ticks = 0
		must(t, os.Chtimes(path, at, at))
		if _, err := f.Find(filepath.Join(root, "shop")); err != nil || ticks != 1 {
			t.Errorf("it waits %d ticks, %v", ticks, err)
		}
	}
}

package escenv_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A rule keeps somebody out. Taking it out of the source, by replacing from
// with to in a file, must let the attack in a test succeed.
type rule struct {
	name           string
	file, from, to string
	pkg, attack    string // the test that must fail without the rule
	root           bool   // the attack needs two users
}

// rules are those of docs/security.md, one line each.
var rules = []rule{
	// Whose files count.
	{
		"another user's .escenv is refused", "internal/safefile/safefile.go",
		`case int(st.Uid) != r.UID && (st.Uid != 0 || r.Access == Private):`, `case int(st.Uid) == -1:`,
		"internal/activation", "TestAttacks/another_user's|TestAnotherUsersTree", false,
	},
	{
		"one that anybody may write is refused", "internal/safefile/safefile.go",
		"case perm&0o002 != 0:", "case perm&0o002 == 0o777:", "internal/activation", "TestAttacks/file_anybody", false,
	},
	{
		"one that its group may write is refused", "internal/safefile/safefile.go",
		"case perm&0o020 != 0 && !r.ownGroup(st):", "case perm&0o020 == 0o777:", "internal/safefile", "TestModes|TestGroups", false,
	},
	{
		"one in a directory like /tmp is refused", "internal/safefile/safefile.go",
		"info.Mode()&fs.ModeSticky != 0 && perm&0o002 != 0:", "info == nil:", "internal/activation", "TestAttacks/a_file_planted", false,
	},
	{
		"the way up to it leads through nobody else's directory", "internal/activation/find.go",
		"if err := f.checkDir(at); err != nil || at == to {", "if err := f.checkDir(to); err != nil || at == to {",
		"internal/activation", "TestAttacks/through_a_directory", false,
	},
	{
		"a link to something else is not followed", "internal/activation/find.go",
		"if filepath.Base(canonical) != Name {", `if canonical == "" {`, "internal/activation", "TestAttacks/link_to_a_file_whose", false,
	},
	{
		"decisions that others can change do not count", "internal/safefile/safefile.go",
		"case r.Access == Private && perm&0o077 != 0:", "case perm&0o077 == 0o777:", "internal/safefile", "TestModes", false,
	},

	// What was allowed is what is used.
	{
		"what is not allowed is not opened", "internal/activation/activation.go",
		"if verdict == esc.Allowed && err == nil {", "if err == nil {", "internal/activation", "TestUntrustedIsSaidOnceAndNeverOpened", false,
	},
	{
		"it is announced once, not at each prompt", "internal/activation/state.go",
		"if slices.Contains(s.said, key) {", "if slices.Contains(s.said, what) {", "internal/activation", "TestUntrustedIsSaidOnceAndNeverOpened", false,
	},
	{
		"an edited file is not allowed any more", "internal/trust/trust.go",
		`return sum(path, "\n", digest)`, "_ = digest\n\treturn sum(path)", "internal/trust", "TestADecisionIsAboutAPathAndItsContent", false,
	},
	{
		"nor is one beside which a definition was edited", "internal/activation/find.go",
		`hash.Write([]byte("\n" + refs[i].Digest))`, "_ = hash", "internal/activation", "TestADefinitionBesideTheCodeIsPinned", false,
	},
	{
		"the definition that is opened is the one that was hashed", "internal/store/store.go",
		`if ref.Digest != "" && ref.Digest != digest {`, `if ref.Digest == "none" {`, "internal/store", "Test", false,
	},
	{
		"a trusted definition beside the code brings no other file", "cmd/escenv-agent/open.go",
		`case ref.Path != "":`, `case ref.Path == "none":`, "cmd/escenv-agent", "Test.*Import|Test.*File", false,
	},

	// What an environment may set.
	{
		"names that are code to a shell or an SDK are left out", "internal/activation/names.go",
		`if why := Dangerous(name); why != "" {`, `if why := Dangerous(""); why != "" {`, "internal/activation", "TestDangerousNames", false,
	},
	{
		"nor numbers that bash computes, and runs commands for", "internal/activation/dangerous.go",
		`"SAVEHIST", "SRANDOM",`, `"SAVEHIST",`, "internal/activation", "TestNumbersThatBashComputes", false,
	},
	{
		"unless the user's configuration allows them", "internal/activation/names.go",
		"case slices.Contains(allowed, name):", "case len(allowed) < 0:", "internal/activation", "TestDangerousNames", false,
	},
	{
		"escenv's own names are never set", "internal/activation/names.go",
		"case slices.ContainsFunc(reserved, isOurs):", `case isOurs("none"):`, "internal/activation", "TestDangerousNames", false,
	},

	// Who talks to whom.
	{
		"the agent hangs up on other users", "internal/agent/listen.go",
		"if checkPeer(conn) == nil {", "if _ = checkPeer; conn != nil {", "internal/agent", "TestServerHangsUpOnOtherUsers", true,
	},
	{
		"escenv asks no other user's process", "internal/wire/socket.go",
		"return CheckPeer(s.fd)", "return nil", "internal/wire", "TestDialSocketRefusesAnotherUsersProcess", true,
	},
	{
		"nor one in a directory that others can change", "internal/wire/socket.go",
		"if unsafe, ok := errors.AsType[*safefile.UnsafeError](rule.Check(dir, info)); ok {",
		"if unsafe, ok := errors.AsType[*safefile.UnsafeError](rule.Check(dir, info)); ok && unsafe == nil {",
		"internal/wire", "TestDialSocketRefusesSquatters", false,
	},
	{
		"a long frame is refused before memory is set aside for it", "internal/wire/frame.go",
		"if size == 0 || size > int64(limit) {", "if size == 0 {", "internal/wire", "TestReadFrameRefusesALongFrameUnread", false,
	},
	{
		"the shared agent sees no identity of whoever starts it", "cmd/escenv/spawn.go",
		"passes(name) {", "passes(name) || true {", "cmd/escenv", "TestTheSharedAgentSeesNoIdentity", false,
	},
	{
		"no line is shown in the place of another, with a secret", "internal/eval/excerpt.go",
		"own.quotable = own.quotable && !hasOddBreaks(s.Text)", "_ = hasOddBreaks", "internal/eval", "TestExcerpts", false,
	},
	{
		"text from outside cannot steer the terminal", "cmd/escenv/ui.go",
		"esc.Printable(r) }) < 0 {", "esc.Printable(r) }) < len(text) {", "cmd/escenv", "TestSafe|TestEverythingSaidIsSafe", false,
	},
	{
		"the agent's memory is its own", "internal/agent/harden_linux.go",
		"unix.PR_SET_DUMPABLE, 0,", "unix.PR_SET_DUMPABLE, 1,", "internal/agent", "TestAgentsCannotBeRead", false,
	},
}

// TestEveryRuleKeepsSomebodyOut takes each rule out of the build and wants its
// attack to succeed: a test that passes without the rule guards nothing.
func TestEveryRuleKeepsSomebodyOut(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			if r.root && os.Geteuid() != 0 {
				t.Skip("only root can be two users")
			}
			args := []string{"test", "-count=1", "-tags", "urfave_cli_no_docs", "-overlay", r.overlay(t), "-run", r.attack, "./" + r.pkg}
			out, err := exec.Command("go", args...).CombinedOutput()
			switch text := string(out); {
			case err == nil:
				t.Errorf("without the rule %s still passes:\n%s", r.attack, text)
			case !strings.Contains(text, "--- FAIL: Test"), regexp.MustCompile(`\[(build|setup) failed\]`).MatchString(text):
				t.Errorf("this is no failing test:\n%s", text)
			}
		})
	}
}

// overlay writes what go build reads instead of the rule's file, and returns
// the file that tells it so.
func (r rule) overlay(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(source), r.from) != 1 {
		t.Fatalf("%s does not hold %q once: where is the rule now?", r.file, r.from)
	}
	file, err := filepath.Abs(r.file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	without := filepath.Join(dir, "without.go")
	write(t, without, strings.Replace(string(source), r.from, r.to, 1))
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{file: without}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	write(t, list, string(text))
	return list
}

package mask_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/escenv/escenv/internal/mask"
)

const pem = "-----BEGIN PRIVATE KEY-----\n" +
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgf0bvWc6gY2v0y3Zs\n" +
	"9hQxPpT1b1qf2mFoSg2+0lY1v2ehRANCAAR5cZ0s7f/3b3b5V0sGQ3Tn1u8oZp0N\n" +
	"aB3/Zk=\n" +
	"-----END PRIVATE KEY-----\n"

// through masks text written in pieces of the given size.
func through(t *testing.T, set *mask.Set, text string, size int) string {
	t.Helper()
	var out bytes.Buffer
	w := mask.NewWriter(&out, set)
	for rest := text; rest != ""; {
		piece := rest[:min(size, len(rest))]
		if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("Write(%q) = %d, %v", piece, n, err)
		}
		rest = rest[len(piece):]
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestSecretsAreReplaced(t *testing.T) {
	tests := map[string]struct {
		secrets []string
		in      string
		want    string
	}{
		"nothing to mask":        {nil, "plain text", "plain text"},
		"one":                    {[]string{"s3cr3t-value"}, "is s3cr3t-value.", "is [secret]."},
		"twice in a row":         {[]string{"s3cr3t-value"}, "s3cr3t-values3cr3t-value", "[secret][secret]"},
		"none of it":             {[]string{"s3cr3t-value"}, "s3cr3t-valu", "s3cr3t-valu"},
		"begun twice":            {[]string{"abcabcabd"}, "abcabcabcabd", "abc[secret]"},
		"the longer of two":      {[]string{"hunter22", "hunter22secret"}, "hunter22secret hunter22", "[secret] [secret]"},
		"the shorter after all":  {[]string{"hunter22", "hunter22secret"}, "hunter22secre!", "[secret]secre!"},
		"inside a longer":        {[]string{"abcdefghijklmnop", "efghijkl"}, "abcdefghijklmnop", "[secret]"},
		"inside a broken longer": {[]string{"abcdefghijklmnop", "efghijkl"}, "abcdefghijklmno", "abcd[secret]mno"},
		"overlapping":            {[]string{"abcdefgh", "efghijkl"}, "abcdefghijkl", "[secret]"},
		"too short":              {[]string{"short77"}, "short77", "short77"},
		"white space around it":  {[]string{"  s3cr3t-value\n"}, "s3cr3t-value\n", "[secret]\n"},
		"any bytes":              {[]string{"\x00\xff\xfe\x80binary"}, "a\x00\xff\xfe\x80binaryb", "a[secret]b"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			set := mask.NewSet(test.secrets...)
			for _, size := range []int{1, 2, 3, 7, len(test.in)} {
				if got := through(t, set, test.in, size); got != test.want {
					t.Errorf("in pieces of %d: %q, want %q", size, got, test.want)
				}
			}
		})
	}
}

// The first known failure: a key of several lines was never masked.
func TestStyles(t *testing.T) {
	secrets := []mask.Secret{
		{Text: "s3cr3t-value", Name: "PASSWORD"},
		{Text: "s3cr3t-value", Name: "SECOND_NAME"},
		{Text: "nobody-named-me"},
		{Text: "grüße-aus-köln"},
		{Text: "line one\nline two"},
		{Text: "value-and-more", Name: "LONGER"},
	}
	tests := map[string]struct {
		style    mask.Style
		in, want string
	}{
		"plain":            {mask.Plain, "is s3cr3t-value.", "is [secret]."},
		"named":            {mask.Named, "is s3cr3t-value.", "is [secret PASSWORD]."},
		"without a name":   {mask.Named, "is nobody-named-me.", "is [secret]."},
		"the first's name": {mask.Named, "s3cr3t-value-and-more", "[secret PASSWORD]"},
		"width":            {mask.Width, "|s3cr3t-value|x", "|************|x"},
		"characters":       {mask.Width, "|grüße-aus-köln|", "|**************|"},
		"lines":            {mask.Width, "line one\r\nline two.", "********\r\n********."},
		"overlapping":      {mask.Width, "s3cr3t-value-and-more!", "*********************!"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for size := 1; size <= len(tt.in); size++ {
				set := mask.NewSet()
				set.Style = tt.style
				set.AddSecrets(secrets...)
				if got := through(t, set, tt.in, size); got != tt.want {
					t.Errorf("in pieces of %d: %q, want %q", size, got, tt.want)
				}
			}
		})
	}
}

// TestWhatIdleLetGoIsNotStarredAgain: the width is that of the secret.
func TestWhatIdleLetGoIsNotStarredAgain(t *testing.T) {
	set := mask.NewSet("s3cr3t-value")
	set.Style = mask.Width
	var out bytes.Buffer
	w := mask.NewWriter(&out, set)
	for _, err := range []error{write(w, "s3c"), w.Idle(), write(w, "r3t-value!"), w.Flush()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := out.String(); got != "s3c*********!" {
		t.Errorf("got %q", got)
	}
}

func write(w *mask.Writer, text string) error { _, err := w.Write([]byte(text)); return err }

// TestMarkedSecretsMayBeShort masks what the user says is secret, from three
// bytes on, beside secrets of every length.
func TestMarkedSecretsMayBeShort(t *testing.T) {
	marked := func(texts ...string) (secrets []mask.Secret) {
		for _, text := range texts {
			secrets = append(secrets, mask.Secret{Text: text, Marked: true})
		}
		return secrets
	}
	tests := map[string]struct {
		secrets  []mask.Secret
		in, want string
	}{
		"a PIN":              {marked("4711"), "pin=4711, 471", "pin=[secret], 471"},
		"three":              {marked("k9!"), `k9! k9 "k9\!"`, `[secret] k9 "[secret]"`},
		"two are too few":    {marked("k9"), "k9", "k9"},
		"an ordinary word":   {marked("password"), "password", "[secret]"},
		"beside a long one":  {append(marked("4711"), mask.Secret{Text: "4711-and-a-long-one"}), "4711-and-a-long-one 4711", "[secret] [secret]"},
		"unmarked stays":     {append(marked("4711"), mask.Secret{Text: "0815"}), "0815 4711", "0815 [secret]"},
		"not in its base64":  {marked("4711"), "NDcxMQ==", "NDcxMQ=="},
		"spaces around fall": {marked(" 4711\n"), "4711", "[secret]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for size := 1; size <= len(tt.in); size++ {
				set := mask.NewSet()
				set.AddSecrets(tt.secrets...)
				if got := through(t, set, tt.in, size); got != tt.want {
					t.Errorf("in pieces of %d: %q, want %q", size, got, tt.want)
				}
			}
		})
	}
}

// TestMaskable says beforehand what a Set does.
func TestMaskable(t *testing.T) {
	for secret, want := range map[mask.Secret]bool{
		{Text: "correct-horse-battery"}:    true,
		{Text: "4711"}:                     false,
		{Text: "4711", Marked: true}:       true,
		{Text: "production"}:               false,
		{Text: "production", Marked: true}: true,
		{Text: "k9", Marked: true}:         false,
		{Text: " k9 \n", Marked: true}:     false,
		{Marked: true}:                     false,
	} {
		set := mask.NewSet()
		set.AddSecrets(secret)
		if got := secret.Maskable(); got != want || set.Empty() == want {
			t.Errorf("%+v: maskable %v, want %v; the set is empty: %v", secret, got, want, set.Empty())
		}
	}
}

func TestSecretOfSeveralLines(t *testing.T) {
	set := mask.NewSet(pem)
	lines := strings.Split(strings.TrimSpace(pem), "\n")
	for name, in := range map[string]string{
		"whole":                pem,
		"on a terminal":        strings.ReplaceAll(pem, "\n", "\r\n"),
		"unquoted in a shell":  strings.Join(lines, " "),
		"indented":             "key: |\n    " + strings.Join(lines, "\n    "),
		"one line":             "grep: " + lines[1],
		"in base64":            base64.StdEncoding.EncodeToString([]byte(pem)),
		"in JSON":              asJSON(t, map[string]string{"key": pem}),
		"as Go writes it":      fmt.Sprintf("%q", pem),
		"in a query":           url.QueryEscape(pem),
		"shown to be a secret": "--" + pem + "--",
	} {
		got := through(t, set, in, 5)
		for _, line := range lines[1:3] {
			if strings.Contains(got, line) || strings.Contains(got, line[20:40]) {
				t.Errorf("%s: %q shows a line of the key", name, got)
			}
		}
		if !strings.Contains(got, mask.Replacement) {
			t.Errorf("%s: %q was not masked", name, got)
		}
	}
	if got := through(t, set, pem, len(pem)); got != "[secret]\n" {
		t.Errorf("the whole key became %q", got)
	}
}

// The second: of a longer secret only the part it shares with a shorter one
// was masked.
func TestLongerSecretKeepsItsTail(t *testing.T) {
	set := mask.NewSet("hunter2hunter2", "hunter2hunter2secret")
	for size := range 25 {
		got := through(t, set, "hunter2hunter2secret and hunter2hunter2", size+1)
		if got != "[secret] and [secret]" {
			t.Errorf("in pieces of %d: %q", size+1, got)
		}
	}
}

// The third: a prompt was not shown before its line ended.
func TestPromptAppearsAtOnce(t *testing.T) {
	var out bytes.Buffer
	w := mask.NewWriter(&out, mask.NewSet("s3cr3t-value", "Passphrase-of-mine"))
	for _, prompt := range []string{"Password: ", "[Y/n] ", "mysql> "} {
		out.Reset()
		fmt.Fprint(w, prompt)
		if out.String() != prompt {
			t.Errorf("%q shows as %q", prompt, out.String())
		}
	}
}

func TestKnownSecretAppearsAtOnce(t *testing.T) {
	var out bytes.Buffer
	w := mask.NewWriter(&out, mask.NewSet("hunter22", "hunter22secret"))
	fmt.Fprint(w, "hunter22")
	if out.String() != "[secret]" {
		t.Errorf("a secret that could be longer shows as %q", out.String())
	}
}

func TestIdle(t *testing.T) {
	tests := map[string]struct {
		pieces []string // with Idle after each
		want   []string // shown after each
	}{
		"a key that is typed":    {[]string{"s", "3", "x"}, []string{"s", "s3", "s3x"}},
		"a secret that is typed": {strings.Split("s3cr3t-value.", ""), []string{"s", "s3", "s3c", "s3cr", "s3cr3", "s3cr3", "s3cr3", "s3cr3", "s3cr3", "s3cr3", "s3cr3", "s3cr3[secret]", "s3cr3[secret]."}},
		"most of a secret":       {[]string{"s3cr3t-", "x"}, []string{"", "s3cr3t-x"}},
		"half of a short one":    {[]string{"eigh", "t", "!"}, []string{"eigh", "eigh", "eight!"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			w := mask.NewWriter(&out, mask.NewSet("s3cr3t-value", "eightch8"))
			for i, piece := range test.pieces {
				fmt.Fprint(w, piece)
				if err := w.Idle(); err != nil {
					t.Fatal(err)
				}
				if out.String() != test.want[i] {
					t.Fatalf("after %q: %q, want %q", strings.Join(test.pieces[:i+1], "|"), out.String(), test.want[i])
				}
			}
		})
	}
}

func TestFormsOfASecret(t *testing.T) {
	const secret = `p@ss/w"rd'+$x=& <é>\n%`
	set := mask.NewSet(secret)
	forms := map[string]string{
		"JSON":              asJSON(t, secret),
		"JSON in PHP":       strings.ReplaceAll(asJSON(t, secret), "/", `\/`),
		"%q":                fmt.Sprintf("%q", secret),
		"%+q":               fmt.Sprintf("%+q", secret),
		"single quotes":     `'` + strings.ReplaceAll(secret, `'`, `'\''`) + `'`,
		"query":             url.QueryEscape(secret),
		"path":              url.PathEscape(secret),
		"lower-case query":  lowerHex(url.QueryEscape(secret)),
		"base64":            base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64 raw URL":    base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"base64 after two":  base64.StdEncoding.EncodeToString([]byte("ab" + secret + "c")),
		"base64 after four": base64.URLEncoding.EncodeToString([]byte("abcd" + secret)),
	}
	for name, form := range forms {
		got := through(t, set, "<<"+form+">>", 4)
		if !strings.Contains(got, mask.Replacement) || len(got) > len("<<[secret]>>")+12 {
			t.Errorf("%s: %q shows as %q", name, form, got)
		}
	}
}

// What bash itself prints is the judge of the shell forms.
func TestFormsThatBashPrints(t *testing.T) {
	const secret = `tok en'with"$some\odd&chars`
	set := mask.NewSet(secret)
	for _, script := range []string{`set -x; : "$1"`, `printf %q "$1"`, `echo "${1@Q}"`, `declare -p 1 2>/dev/null; x=$1; declare -p x`} {
		out, err := exec.Command("bash", "-c", script, "bash", secret).CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		got := through(t, set, string(out), 3)
		if strings.Contains(got, "odd") || !strings.Contains(got, mask.Replacement) {
			t.Errorf("%s: %q shows as %q", script, out, got)
		}
	}
}

func TestBase64InLines(t *testing.T) {
	secret := strings.Repeat("IQoJb3JpZ2luX2Vj/", 30)
	set := mask.NewSet(secret)
	encoded := base64.StdEncoding.EncodeToString([]byte(secret))
	var lines strings.Builder
	for i := 0; i < len(encoded); i += 76 {
		lines.WriteString(encoded[i:min(i+76, len(encoded))] + "\n")
	}
	got := through(t, set, lines.String(), 100)
	if rest := strings.NewReplacer(mask.Replacement, "", "\n", "").Replace(got); rest != "" {
		t.Errorf("%q shows", rest)
	}
}

func TestTrivialValuesStay(t *testing.T) {
	for _, value := range []string{
		"true", "", "production", "eu-west-1", "us-gov-east-1", "ap-southeast-2b", "123456789012", "20261123",
		"--------------", "[secret]", "Password", "localhost", "        ", "1764000000.5",
	} {
		if set := mask.NewSet(value); !set.Empty() {
			t.Errorf("%q would be masked", value)
		}
	}
	for _, value := range []string{"1234567890123456", "eu-west-1-db-pass", "correct horse", "aaaaaaab"} {
		if set := mask.NewSet(value); set.Empty() {
			t.Errorf("%q would not be masked", value)
		}
	}
}

func TestAddWhileWriting(t *testing.T) {
	set := mask.NewSet("first-secret")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 100 {
				if got := through(t, set, "a first-secret b", 3); got != "a [secret] b" {
					t.Errorf("%q", got)
				}
			}
		})
	}
	for i := range 20 {
		set.Add("secret-number-" + strconv.Itoa(i))
	}
	group.Wait()
	if got := through(t, set, "secret-number-7!", 100); got != "[secret]!" {
		t.Errorf("a secret that was added shows as %q", got)
	}
}

func TestErrorOfTheUnderlyingWriter(t *testing.T) {
	w := mask.NewWriter(broken{}, mask.NewSet("s3cr3t-value"))
	if n, err := w.Write([]byte("text")); n != 0 || err == nil {
		t.Errorf("Write = %d, %v", n, err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken") }

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func lowerHex(s string) string {
	for i := 0; i+2 < len(s); i++ {
		if s[i] == '%' {
			s = s[:i] + strings.ToLower(s[i:i+3]) + s[i+3:]
		}
	}
	return s
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestShadowsAreOnlyOfWhatNeedsThem writes files of profiles, and looks for what
// a command gets in their place.
func TestShadowsAreOnlyOfWhatNeedsThem(t *testing.T) {
	const keys, none = "[default]\naws_access_key_id = A\nregion = r\n", "[default]\nregion = r\n"
	for name, tc := range map[string]struct {
		files   map[string]string // below HOME
		environ []string
		want    map[string]string
	}{
		"no files":      {nil, nil, map[string]string{}},
		"nothing there": {map[string]string{".aws/config": none, ".aws/credentials": "[x]\naws_access_key_id = A\n"}, nil, map[string]string{}},
		"both": {
			map[string]string{".aws/config": "[default]\nrole_arn = a\n", ".aws/credentials": keys},
			nil,
			map[string]string{"AWS_CONFIG_FILE": "[default]\n", "AWS_SHARED_CREDENTIALS_FILE": none},
		},
		"elsewhere": {
			map[string]string{".aws/credentials": none, "mine": keys},
			[]string{"AWS_SHARED_CREDENTIALS_FILE=HOME/mine"},
			map[string]string{"AWS_SHARED_CREDENTIALS_FILE": none},
		},
		"nowhere": {map[string]string{".aws/credentials": keys}, []string{"AWS_SHARED_CREDENTIALS_FILE=/dev/null"}, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			for file, text := range tc.files {
				path := filepath.Join(home, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p := &program{environ: []string{"HOME=" + home}}
			for _, entry := range tc.environ {
				p.environ = append(p.environ, strings.Replace(entry, "HOME", home, 1))
			}
			files, err := p.shadows()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, f := range files {
				got[f.Name], _ = f.Content.RevealString()
				if !f.Content.IsSecret() {
					t.Errorf("%s is no secret", f.Name)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

package main

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestProgressIsSaidToThoseWhoWait: most answers come before anybody wonders.
func TestProgressIsSaidToThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		words := make(chan string, 10)
		talk := &talk{say: func(w string) { words <- w }}
		talk.progress("one")
		talk.progress("two")
		time.Sleep(quietWait - time.Nanosecond)
		synctest.Wait()
		if len(words) > 0 {
			t.Errorf("said %q at once", <-words)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		talk.progress("two")
		talk.progress("three")
		talk.end()
		talk.progress("four")
		close(words)
		said := slices.Collect(func(yield func(string) bool) {
			for w := range words {
				yield(w)
			}
		})
		if want := []string{"two", "three"}; !slices.Equal(said, want) {
			t.Errorf("said %q, want %q", said, want)
		}
	})
}

func TestProgressOfAQuickAnswerIsNeverSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		talk := &talk{say: func(words string) { t.Errorf("said %q", words) }}
		talk.progress("one")
		talk.end()
		time.Sleep(time.Hour)
	})
}

func TestTheSharedAgentSeesNoIdentity(t *testing.T) {
	got := agentEnviron([]string{
		"HOME=/h", "AWS_ACCESS_KEY_ID=a", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=b", "LC_ALL=C", "XDG_CONFIG_HOME=/x",
		"GITHUB_TOKEN=c", "https_proxy=p", "HOMES=no", "BASH_ENV=no", "=odd", "odd",
	})
	if want := []string{"HOME=/h", "LC_ALL=C", "XDG_CONFIG_HOME=/x", "https_proxy=p"}; !slices.Equal(got, want) {
		t.Errorf("it sees %q, want %q", got, want)
	}
}

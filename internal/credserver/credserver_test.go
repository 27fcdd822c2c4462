package credserver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/credentials"
	"github.com/escenv/escenv/internal/credserver"
	"github.com/escenv/escenv/internal/esc"
)

// patience is how long a test waits for what takes no time.
const patience = 10 * time.Second

var sample = credentials.Credentials{
	AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: `hun"ter\2`, SessionToken: "token+/=",
	Expires: time.Date(2026, 11, 23, 12, 0, 0, 999, time.FixedZone("", 3600)),
}

func always(context.Context) (credentials.Credentials, error) { return sample, nil }

// serve runs an endpoint until the test ends, or stop is called.
func serve(t *testing.T, source credserver.Source, uid int) (e *credserver.Endpoint, stop func()) {
	t.Helper()
	e, err := credserver.Listen(t.Context(), source, uid)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Serve(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return e, stop
}

func TestAddressesCannotBeGuessed(t *testing.T) {
	seen := map[string]bool{}
	for range 50 {
		e, err := credserver.Listen(t.Context(), always, os.Geteuid())
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if !regexp.MustCompile(`^http://127\.0\.0\.1:\d+/credentials/[0-9a-f]{32}$`).MatchString(e.URL) {
			t.Errorf("the address is %s", e.URL)
		}
		if !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(e.Token) {
			t.Errorf("the token is %s", e.Token)
		}
		path := e.URL[strings.LastIndexByte(e.URL, '/'):]
		if seen[e.Token] || seen[path] {
			t.Error("an address or token came twice")
		}
		seen[e.Token], seen[path] = true, true
	}
}

// ask sends a request after edit has seen it.
func ask(t *testing.T, e *credserver.Endpoint, edit func(*http.Request)) (status int, body map[string]string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", e.Token)
	req.Header.Set("Accept", "application/json")
	edit(req)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Errorf("the body is no JSON: %v", err)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Cache-Control": "no-store", "Access-Control-Allow-Origin": "",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	return resp.StatusCode, body
}

func TestAClientGetsCredentials(t *testing.T) {
	e, _ := serve(t, always, os.Geteuid())
	status, body := ask(t, e, func(*http.Request) {})
	want := map[string]string{
		"AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": `hun"ter\2`, "Token": "token+/=", "Expiration": "2026-11-23T11:00:00Z",
	}
	if diff := cmp.Diff(want, body); status != http.StatusOK || diff != "" {
		t.Errorf("%d: %s", status, diff)
	}
}

func TestOthersGetNone(t *testing.T) {
	var given atomic.Int32
	e, _ := serve(t, func(ctx context.Context) (credentials.Credentials, error) {
		given.Add(1)
		return always(ctx)
	}, os.Geteuid())
	_, port, _ := strings.Cut(strings.TrimPrefix(e.URL, "http://"), ":")
	port, path, _ := strings.Cut(port, "/")
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	host := func(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }
	method := func(method string) func(*http.Request) { return func(r *http.Request) { r.Method = method } }
	at := func(path string) func(*http.Request) {
		return func(r *http.Request) { r.URL = &url.URL{Scheme: "http", Host: r.URL.Host, Opaque: path} }
	}
	for name, tc := range map[string]struct {
		edit func(*http.Request)
		want int
	}{
		"no token":                    {func(r *http.Request) { r.Header.Del("Authorization") }, 403},
		"an empty token":              {set("Authorization", ""), 403},
		"another token":               {set("Authorization", strings.Repeat("A", 43)), 403},
		"a shorter token":             {set("Authorization", e.Token[1:]), 403},
		"a longer token":              {set("Authorization", e.Token+"A"), 403},
		"the token in words":          {set("Authorization", "Bearer "+e.Token), 403},
		"two tokens":                  {func(r *http.Request) { r.Header.Add("Authorization", e.Token) }, 403},
		"a name that leads here":      {host("evil.example:" + port), 403},
		"localhost":                   {host("localhost:" + port), 403},
		"another port":                {host("127.0.0.1:1"), 403},
		"no port":                     {host("127.0.0.1"), 403},
		"a longer way to say it":      {host("127.000.000.001:" + port), 403},
		"a page":                      {set("Origin", "http://127.0.0.1:"+port), 403},
		"a page without an origin":    {set("Origin", "null"), 403},
		"a link":                      {set("Referer", "http://evil.example/"), 403},
		"a browser's script":          {set("Sec-Fetch-Mode", "no-cors"), 403},
		"a browser's address bar":     {set("Sec-Fetch-Site", "none"), 403},
		"a browser's name":            {set("Sec-Ch-Ua", "x"), 403},
		"a proxy":                     {set("X-Forwarded-For", "10.0.0.1"), 403},
		"a proxy of the standard":     {set("Forwarded", "for=10.0.0.1"), 403},
		"a proxy by its name":         {set("Via", "1.1 x"), 403},
		"a browser's cookie":          {set("Cookie", "a=b"), 403},
		"POST":                        {method("POST"), 405},
		"HEAD":                        {method("HEAD"), 405},
		"OPTIONS":                     {method("OPTIONS"), 405},
		"DELETE":                      {method("DELETE"), 405},
		"a method of no standard":     {method("GETT"), 405},
		"the root":                    {at("/"), 404},
		"a shorter path":              {at("/" + path[:len(path)-1]), 404},
		"a longer path":               {at("/" + path + "/"), 404},
		"a query":                     {at("/" + path + "?x"), 404},
		"another path to the same":    {at("/./" + path), 404},
		"the path, written strangely": {at("/%63" + path[1:]), 404},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "HEAD" { // has no body that could be read
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodHead, e.URL, http.NoBody)
				req.Header.Set("Authorization", e.Token)
				resp, err := http.DefaultTransport.RoundTrip(req)
				if err != nil || resp.Body.Close() != nil || resp.StatusCode != tc.want {
					t.Errorf("got %v, %v", resp, err)
				}
				return
			}
			status, body := ask(t, e, tc.edit)
			if status != tc.want || body["code"] != "AccessDenied" || body["message"] == "" {
				t.Errorf("got %d, %v", status, body)
			}
			if text := fmt.Sprint(body); strings.Contains(text, e.Token) || strings.Contains(text, "AKID") {
				t.Errorf("the answer gives away %s", text)
			}
		})
	}
	if given.Load() != 0 {
		t.Errorf("credentials were given %d times", given.Load())
	}
}

// dial connects and sends text.
func dial(t *testing.T, e *credserver.Endpoint, text string) net.Conn {
	t.Helper()
	u, _ := url.Parse(e.URL)
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, text) // it may be refused halfway
	return conn
}

func TestWhatIsNotQuiteHTTP(t *testing.T) {
	e, _ := serve(t, always, os.Geteuid())
	u, _ := url.Parse(e.URL)
	line, auth := "GET "+u.Path+" HTTP/1.1\r\n", "Authorization: "+e.Token+"\r\n"
	host := "Host: " + u.Host + "\r\n"
	for name, tc := range map[string]struct{ request, want string }{
		"right":                   {line + host + auth + "\r\n", "200"},
		"no host":                 {line + auth + "\r\n", "400"},
		"no host, long ago":       {strings.Replace(line, "1.1", "1.0", 1) + auth + "\r\n", "403"},
		"two hosts":               {line + host + "Host: evil.example\r\n" + auth + "\r\n", "400"},
		"as one asks a proxy":     {"GET " + e.URL + " HTTP/1.1\r\n" + host + auth + "\r\n", "404"},
		"another, as by a proxy":  {"GET http://evil.example" + u.Path + " HTTP/1.1\r\n" + host + auth + "\r\n", "403"},
		"a tunnel":                {"CONNECT " + u.Host + " HTTP/1.1\r\n" + host + auth + "\r\n", "405"},
		"the server":              {"OPTIONS * HTTP/1.1\r\n" + host + auth + "\r\n", "405"},
		"huge headers":            {line + host + auth + "X: " + strings.Repeat("x", 16<<10) + "\r\n\r\n", "431"},
		"many headers":            {line + host + auth + strings.Repeat("X: y\r\n", 4<<10) + "\r\n", "431"},
		"a header of two lines":   {line + host + "Authorization:\r\n " + e.Token + "\r\n\r\n", "200"},
		"no HTTP":                 {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400"},
		"a body, too":             {line + host + auth + "Content-Length: 1000000000\r\n\r\nx", "200"},
		"another version of HTTP": {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "403"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, err := bufio.NewReader(dial(t, e, tc.request)).ReadString('\n')
			if got := strings.Fields(resp + " - -")[1]; got != tc.want {
				t.Errorf("got %q, %v, want %s", resp, err, tc.want)
			}
		})
	}
}

// TestTheSlowAreSentAway has more clients than there are places say nothing, or
// half of something, for ever. Those who come then get what they want.
func TestTheSlowAreSentAway(t *testing.T) {
	e, _ := serve(t, always, os.Geteuid())
	const half = "GET /credentials HTTP/1.1\r\nX: y\r\n"
	var slow []net.Conn
	for i := range 100 {
		slow = append(slow, dial(t, e, half[:i%len(half)]))
	}
	if status, _ := ask(t, e, func(*http.Request) {}); status != http.StatusOK {
		t.Errorf("got %d", status)
	}
	for i, conn := range slow {
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("number %d is still there", i)
		}
	}
}

func TestTheEndIsTheEnd(t *testing.T) {
	e, stop := serve(t, always, os.Geteuid())
	idle := dial(t, e, "GET /")
	stop()
	if _, err := io.Copy(io.Discard, idle); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("a connection outlived the endpoint")
	}
	u, _ := url.Parse(e.URL)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", u.Host)
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	l.Close()
}

func TestAnErrorIsInTheClientsWords(t *testing.T) {
	e, _ := serve(t, func(context.Context) (credentials.Credentials, error) {
		return credentials.Credentials{}, esc.Errorf(esc.Refused, "AWS said \"no\"\x00\xff").WithHint("escenv status")
	}, os.Geteuid())
	status, body := ask(t, e, func(*http.Request) {})
	want := map[string]string{"code": "CredentialsExpired", "message": "AWS said \"no\"\x00? (escenv status)"}
	want["Code"], want["Message"] = want["code"], want["message"]
	if diff := cmp.Diff(want, body); status != http.StatusBadRequest || diff != "" {
		t.Errorf("%d: %s", status, diff)
	}
}

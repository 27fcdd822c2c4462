package devcloud_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/escenv/escenv/internal/devcloud"
	"github.com/escenv/escenv/internal/devcloud/sigv4"
)

func readAll(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// send signs a request with key, lets spoil change it, and sends it.
func (l *lab) send(key devcloud.Key, service, method, path, body string, spoil func(*http.Request)) (int, string) {
	l.t.Helper()
	req, err := http.NewRequestWithContext(l.t.Context(), method, l.site.Endpoint+path, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	if err := sigv4.Sign(req, key, []byte(body), service, "eu-west-1", l.clock.now()); err != nil {
		l.t.Fatal(err)
	}
	if spoil != nil {
		spoil(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	return res.StatusCode, readAll(l.t, res)
}

func TestSignaturesThatS3Refuses(t *testing.T) {
	l := newLab(t)
	s := l.session()
	wrong, unknown, tokenless, other := s, s, s, s
	wrong.SecretAccessKey += "x"
	unknown.AccessKeyID = "ASIAAAAAAAAAAAAAAAAA"
	tokenless.SessionToken = ""
	other.SessionToken += "x"
	for name, tt := range map[string]struct {
		key   devcloud.Key
		spoil func(*http.Request)
		want  string
	}{
		"as it should be":  {s, nil, ""},
		"no signature":     {s, func(r *http.Request) { r.Header.Del("Authorization") }, "AccessDenied"},
		"a wrong secret":   {wrong, nil, "SignatureDoesNotMatch"},
		"an unknown key":   {unknown, nil, "InvalidAccessKeyId"},
		"no session token": {tokenless, nil, "InvalidToken"},
		"another token":    {other, nil, "InvalidToken"},
		"another path":     {s, func(r *http.Request) { r.URL.Path = "/shop/b.txt" }, "SignatureDoesNotMatch"},
		"another method":   {s, func(r *http.Request) { r.Method = "HEAD" }, "403"},
		"another query":    {s, func(r *http.Request) { r.URL.RawQuery = "list-type=2" }, "SignatureDoesNotMatch"},
		"another host":     {s, func(r *http.Request) { r.Host = "localhost" + r.URL.Host[strings.LastIndex(r.URL.Host, ":"):] }, "SignatureDoesNotMatch"},
		"a foreign host":   {s, func(r *http.Request) { r.Host = "evil.example" }, "this is"},
		"a header added":   {s, func(r *http.Request) { r.Header.Set("X-Amz-Meta-A", "b") }, "AccessDenied"},
		"no payload hash":  {s, func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") }, "InvalidRequest"},
		"another payload":  {s, func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", sigv4.Unsigned) }, "SignatureDoesNotMatch"},
		"another date":     {s, func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260101T000000Z") }, "AuthorizationHeaderMalformed"},
		"nonsense":         {s, func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 x") }, "AuthorizationHeaderMalformed"},
		"another scheme":   {s, func(r *http.Request) { r.Header.Set("Authorization", "AWS a:b") }, "AuthorizationHeaderMalformed"},
		"for STS": {s, func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/s3/", "/sts/", 1))
		}, "SignatureDoesNotMatch"},
		"no signed host": {s, func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "host;", "", 1))
		}, "AuthorizationHeaderMalformed"},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := l.send(tt.key, "s3", http.MethodGet, "/shop/a.txt", "", tt.spoil)
			if tt.want == "" && body != "hello\n" || !strings.Contains(fmt.Sprint(status, " ", body), tt.want) {
				t.Errorf("%d %s, want %q", status, body, tt.want)
			}
		})
	}
}

func TestABodyMustBeWhatWasSigned(t *testing.T) {
	l := newLab(t)
	_, body := l.send(l.site.Root, "s3", http.MethodPut, "/shop/x", "right", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("wrong")) })
	if !strings.Contains(body, "XAmzContentSHA256Mismatch") {
		t.Errorf("another body: %s", body)
	}
	_, body = l.send(l.site.Root, "iam", http.MethodPost, "/", "Action=ListRoles&Version=2010-05-08", func(r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader("Action=ListRolex&Version=2010-05-08"))
	})
	if strings.Contains(body, "shop-dev") {
		t.Errorf("IAM took another body: %s", body)
	}
	if _, err := l.root().S3(t.Context(), http.MethodGet, "/shop/x", nil); code(err) != "NoSuchKey" {
		t.Errorf("something was stored: %v", err)
	}
}

func TestASignersClockMayBeFifteenMinutesOff(t *testing.T) {
	l := newLab(t)
	for off, want := range map[time.Duration]string{
		-16 * time.Minute: "RequestTimeTooSkewed", 16 * time.Minute: "RequestTimeTooSkewed", -14 * time.Minute: "", 14 * time.Minute: "",
	} {
		c := l.root()
		c.Now = func() time.Time { return l.clock.now().Add(off) }
		if _, err := c.S3(t.Context(), http.MethodGet, "/", nil); code(err) != want {
			t.Errorf("S3, %s off: %v, want %q", off, err, want)
		}
		err := c.IAM(t.Context(), "ListRoles", nil, nil)
		if want != "" && (code(err) != "SignatureDoesNotMatch" || !strings.Contains(err.Error(), "15 min.)")) || want == "" && err != nil {
			t.Errorf("IAM, %s off: %v", off, err)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	l := newLab(t)
	c := l.client(l.session())
	l.clock.advance(time.Hour - time.Second)
	if _, err := c.S3(t.Context(), http.MethodGet, "/shop/a.txt", nil); err != nil {
		t.Errorf("a second before the end: %v", err)
	}
	l.clock.advance(time.Second)
	if _, err := c.S3(t.Context(), http.MethodGet, "/shop/a.txt", nil); code(err) != "ExpiredToken" {
		t.Errorf("S3 after the end: %v", err)
	}
	status, body := l.send(c.Key, "sts", http.MethodPost, "/", "Action=GetCallerIdentity&Version=2011-06-15", nil)
	if status != 403 || !strings.Contains(body, "<Code>ExpiredToken</Code>") {
		t.Errorf("STS after the end: %d %s", status, body)
	}
}

func TestSignaturesThatSTSRefuses(t *testing.T) {
	l := newLab(t)
	s := l.session()
	wrong, other := s, s
	wrong.SecretAccessKey += "x"
	other.SessionToken += "x"
	for name, tt := range map[string]struct {
		key  devcloud.Key
		want string
	}{
		"as it should be": {s, ""},
		"the root key":    {l.site.Root, ""},
		"a wrong secret":  {wrong, "SignatureDoesNotMatch"},
		"another token":   {other, "InvalidClientTokenId"},
		"an unknown key":  {devcloud.Key{AccessKeyID: "AKIAAAAAAAAAAAAAAAAA", SecretAccessKey: "x"}, "InvalidClientTokenId"},
	} {
		if _, err := l.sts(tt.key).GetCallerIdentity(t.Context(), nil); code(err) != tt.want {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestOnlyWhatARoleMayDo(t *testing.T) {
	l := newLab(t)
	c := l.client(l.session())
	for _, tt := range []struct{ method, path, want string }{
		{"GET", "/", ""},
		{"GET", "/shop?list-type=2", ""},
		{"GET", "/shop/a.txt", ""},
		{"PUT", "/shop/b.txt", "AccessDenied"},
		{"DELETE", "/shop/a.txt", "AccessDenied"},
		{"PUT", "/other", "AccessDenied"},
		{"PUT", "/shop/a.txt?acl", "NotImplemented"},
		{"POST", "/shop/a.txt", "NotImplemented"},
	} {
		if _, err := c.S3(t.Context(), tt.method, tt.path, nil); code(err) != tt.want {
			t.Errorf("%s %s: %v, want %q", tt.method, tt.path, err, tt.want)
		}
	}
	_, err := c.S3(t.Context(), "PUT", "/shop/b.txt", nil)
	want := `User: arn:aws:sts::123456789012:assumed-role/shop-dev/alice is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::shop/b.txt" because no identity-based policy allows the s3:PutObject action`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("S3 said %v", err)
	}
	if err := c.IAM(t.Context(), "ListRoles", nil, nil); code(err) != "AccessDenied" {
		t.Errorf("IAM let a role in: %v", err)
	}
}

// TestPresignedCallerIdentity is how Kubernetes proves who it is to others.
func TestPresignedCallerIdentity(t *testing.T) {
	l := newLab(t)
	s := l.session()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		l.site.Endpoint+"/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60", nil)
	if err != nil {
		t.Fatal(err)
	}
	key := aws.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey, SessionToken: s.SessionToken}
	text, _, err := v4.NewSigner().PresignHTTP(t.Context(), key, req, sigv4.Hash(nil), "sts", "eu-west-1", l.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		text: "assumed-role/shop-dev/alice",
		strings.Replace(text, "X-Amz-Signature=", "X-Amz-Signature=0", 1): "SignatureDoesNotMatch",
	} {
		res, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		if body := readAll(t, res); !strings.Contains(body, want) {
			t.Errorf("STS said %s, want %s", body, want)
		}
	}
}

// presign makes a URL that is good for so many seconds.
func (l *lab) presign(key devcloud.Key, path string, seconds int) string {
	l.t.Helper()
	req, err := http.NewRequestWithContext(l.t.Context(), http.MethodGet, fmt.Sprintf("%s%s?X-Amz-Expires=%d", l.site.Endpoint, path, seconds), nil)
	if err != nil {
		l.t.Fatal(err)
	}
	credentials := aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey, SessionToken: key.SessionToken}
	text, _, err := v4.NewSigner().PresignHTTP(context.Background(), credentials, req, sigv4.Unsigned, "s3", "eu-west-1", l.clock.now(),
		func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err != nil {
		l.t.Fatal(err)
	}
	return text
}

func TestPresignedURLs(t *testing.T) {
	l := newLab(t)
	get := func(text string) string {
		res, err := http.Get(text)
		if err != nil {
			t.Fatal(err)
		}
		return readAll(t, res)
	}
	text := l.presign(l.session(), "/shop/a.txt", 60)
	for name, tt := range map[string]struct{ url, want string }{
		"as it should be": {text, "hello"},
		"another object":  {strings.Replace(text, "a.txt", "b.txt", 1), "SignatureDoesNotMatch"},
		"a longer life":   {strings.Replace(text, "X-Amz-Expires=60", "X-Amz-Expires=600", 1), "SignatureDoesNotMatch"},
		"too long a life": {l.presign(l.site.Root, "/shop/a.txt", 8*24*3600), "AuthorizationHeaderMalformed"},
		"no life":         {strings.Replace(text, "X-Amz-Expires=60", "X-Amz-Expires=x", 1), "AuthorizationHeaderMalformed"},
	} {
		if body := get(tt.url); !strings.Contains(body, tt.want) {
			t.Errorf("%s: %s, want %q", name, body, tt.want)
		}
	}
	l.clock.advance(61 * time.Second)
	if body := get(text); !strings.Contains(body, "Request has expired") {
		t.Errorf("after its life: %s", body)
	}
}

// putStream uploads as SDKs do over https: in chunks, with a checksum behind.
func (l *lab) putStream(body, trailer string) (int, string) {
	return l.sendHashed(sigv4.UnsignedTrailer, body, http.Header{
		"Content-Encoding": {"aws-chunked"}, "X-Amz-Decoded-Content-Length": {"11"}, "X-Amz-Trailer": {trailer},
	})
}

func (l *lab) sendHashed(hash, body string, header http.Header) (int, string) {
	l.t.Helper()
	req, err := http.NewRequestWithContext(l.t.Context(), http.MethodPut, l.site.Endpoint+"/shop/stream", strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	req.Header = header
	req.Header.Set("X-Amz-Content-Sha256", hash)
	key := aws.Credentials{AccessKeyID: l.site.Root.AccessKeyID, SecretAccessKey: l.site.Root.SecretAccessKey}
	if err := v4.NewSigner().SignHTTP(l.t.Context(), key, req, hash, "s3", "eu-west-1", l.clock.now()); err != nil {
		l.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	return res.StatusCode, readAll(l.t, res)
}

func TestStreamedUploads(t *testing.T) {
	l := newLab(t)
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte("hello world"))))
	right := "6\r\nhello \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32:" + sum + "\r\n\r\n"
	if status, body := l.putStream(right, "x-amz-checksum-crc32"); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if got, err := l.root().S3(t.Context(), http.MethodGet, "/shop/stream", nil); err != nil || !bytes.Equal(got, []byte("hello world")) {
		t.Errorf("stored %q, %v", got, err)
	}
	for name, tt := range map[string]struct{ body, trailer, want string }{
		"a wrong checksum": {strings.Replace(right, "world", "earth", 1), "x-amz-checksum-crc32", "BadDigest"},
		"no checksum":      {"b\r\nhello world\r\n0\r\n\r\n", "x-amz-checksum-crc32", "BadDigest"},
		"another checksum": {right, "x-amz-checksum-md4", "BadDigest"},
		"an early end":     {"b\r\nhello", "x-amz-checksum-crc32", "IncompleteBody"},
		"a wrong length":   {"5\r\nhello\r\n0\r\n\r\n", "x-amz-checksum-crc32", "IncompleteBody"},
		"no chunks":        {"hello world", "x-amz-checksum-crc32", "IncompleteBody"},
		"a negative chunk": {"-5\r\nhello\r\n0\r\n\r\n", "x-amz-checksum-crc32", "IncompleteBody"},
	} {
		if _, body := l.putStream(tt.body, tt.trailer); !strings.Contains(body, tt.want) {
			t.Errorf("%s: %s, want %q", name, body, tt.want)
		}
	}
	if status, _ := l.sendHashed("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "", http.Header{}); status != http.StatusNotImplemented {
		t.Errorf("signed chunks: %d", status)
	}
}

// TestObjectsKeepNoToken: what comes back with an object says nothing of who
// put it there.
func TestObjectsKeepNoToken(t *testing.T) {
	l := newLab(t)
	if err := l.root().IAM(t.Context(), "PutRolePolicy", url.Values{
		"RoleName": {"shop-dev"}, "PolicyName": {"s3"}, "PolicyDocument": {`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`},
	}, nil); err != nil {
		t.Fatal(err)
	}
	s := l.session()
	if _, err := l.client(s).S3(t.Context(), http.MethodPut, "/shop/mine", []byte("x")); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.site.Endpoint+"/shop/mine", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := sigv4.Sign(req, l.site.Root, nil, "s3", "x", l.clock.now()); err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, res)
	for name, values := range res.Header {
		if strings.Contains(strings.Join(values, ""), s.SessionToken) || strings.Contains(strings.Join(values, ""), s.AccessKeyID) {
			t.Errorf("the object's %s holds a credential", name)
		}
	}
}

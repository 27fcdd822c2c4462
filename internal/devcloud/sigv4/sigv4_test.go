package sigv4_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/devcloud/sigv4"
)

// TestWhatIsSignedMatches: and nothing else does. Paths and queries are those
// that are easily escaped in two ways.
func TestWhatIsSignedMatches(t *testing.T) {
	key := sigv4.Key{AccessKeyID: "AKIA", SecretAccessKey: "secret"}
	for _, address := range []string{
		"/", "/b/a%20b", "/b/a+b", "/b/%C3%A9%2Fx", "/b//c", "/b/~a", "/b?list-type=2&prefix=a%2Fb%20c", "/b?uploads", "/b?a=1&a=0&A=2",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://127.0.0.1:1"+address, bytes.NewReader([]byte("body")))
		if err != nil {
			t.Fatal(err)
		}
		req.Header["X-Amz-Meta-Spaces"] = []string{"  a   b ", "c"}
		if err := sigv4.Sign(req, key, []byte("body"), "s3", "eu-west-1", time.Unix(1e9, 0)); err != nil {
			t.Fatal(err)
		}
		s, err := sigv4.Read(req)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if s.AccessKeyID != "AKIA" || s.Region != "eu-west-1" || s.Service != "s3" || !s.Time.Equal(time.Unix(1e9, 0)) {
			t.Errorf("%s: read %+v", address, s)
		}
		if !s.Matches(req, "secret", sigv4.Hash([]byte("body"))) {
			t.Errorf("%s: the right signature does not match", address)
		}
		if s.Matches(req, "secret2", sigv4.Hash([]byte("body"))) || s.Matches(req, "secret", sigv4.Hash(nil)) {
			t.Errorf("%s: a wrong signature matches", address)
		}
	}
}

// FuzzRead: no header makes reading or checking fail, and none matches by
// chance.
func FuzzRead(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "20260101T000000Z", "/b?x=y")
	f.Add("AWS4-HMAC-SHA256 Credential=,Signature=", "", "/?X-Amz-Signature=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=9")
	f.Fuzz(func(t *testing.T, authorization, date, address string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1"+address, nil)
		if err != nil {
			return
		}
		req.Header.Set("Authorization", authorization)
		req.Header.Set("X-Amz-Date", date)
		if s, err := sigv4.Read(req); err == nil && s.Matches(req, "a secret nobody knows", sigv4.Hash(nil)) {
			t.Error("a made-up signature matches")
		}
	})
}

// FuzzReadBody: no body makes decoding fail, and what comes out is as long as
// it says.
func FuzzReadBody(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"), "5", "x-amz-checksum-crc32")
	f.Add([]byte("ffffffffffffffff\r\n"), "", "")
	f.Fuzz(func(t *testing.T, body []byte, length, trailer string) {
		req := &http.Request{Body: io.NopCloser(bytes.NewReader(body)), Header: http.Header{}}
		req.Header.Set("X-Amz-Decoded-Content-Length", length)
		req.Header.Set("X-Amz-Trailer", trailer)
		if sigv4.ReadBody(req, sigv4.UnsignedTrailer, 1<<20) != nil {
			return
		}
		plain, err := io.ReadAll(req.Body)
		if err != nil || int64(len(plain)) != req.ContentLength {
			t.Errorf("%d bytes, %v; it says %d", len(plain), err, req.ContentLength)
		}
	})
}

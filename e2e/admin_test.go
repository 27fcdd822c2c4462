package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// An admin is a cloud's root user, who sets up what escenv then meets.
type admin struct {
	t           *testing.T
	credentials aws.Credentials
}

// iam calls an IAM action.
func (a admin) iam(endpoint, action string, params url.Values) {
	a.t.Helper()
	params.Set("Action", action)
	params.Set("Version", "2010-05-08")
	a.send("iam", http.MethodPost, endpoint+"/", params.Encode())
}

// makeBucket makes a bucket.
func (a admin) makeBucket(endpoint, name string) {
	a.t.Helper()
	a.send("s3", http.MethodPut, endpoint+"/"+name, "")
}

// send makes a request until the server is up, which MinIO may not be when it
// says so, and requires that it succeeds.
func (a admin) send(service, method, url, body string) {
	a.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		status, said := a.sendOnce(service, method, url, body)
		if status == http.StatusOK {
			return
		}
		if status == http.StatusServiceUnavailable {
			select {
			case <-tick.C:
				continue
			case <-deadline:
			}
		}
		a.t.Fatalf("%s %s %s: %d\n%s", service, method, url, status, said)
	}
}

// sendOnce signs a request, makes it and returns the answer.
func (a admin) sendOnce(service, method, url, body string) (status int, said []byte) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	digest := hex.EncodeToString(sum[:])
	req.Header.Set("X-Amz-Content-Sha256", digest)
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if err := v4.NewSigner().SignHTTP(a.t.Context(), a.credentials, req, digest, service, "us-east-1", time.Now()); err != nil {
		a.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	said, err = io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return resp.StatusCode, said
}

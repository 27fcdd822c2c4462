package devcloud

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/escenv/escenv/internal/devcloud/sigv4"
)

// maxObject is the largest body S3 takes here, in bytes.
const maxObject = 64 << 20

// newObjects makes an S3 in memory that lets everybody do everything.
func newObjects(now func() time.Time) http.Handler {
	clock := timeSource(now)
	backend := s3mem.New(s3mem.WithTimeSource(clock))
	return gofakes3.New(backend, gofakes3.WithTimeSource(clock), gofakes3.WithTimeSkewLimit(0), gofakes3.WithoutVersioning()).Server()
}

type timeSource func() time.Time

// Now tells the time.
func (t timeSource) Now() time.Time { return t().UTC() }

// Since returns how long ago then was.
func (t timeSource) Since(then time.Time) time.Duration { return t().Sub(then) }

// serveS3 lets in who is allowed.
func (c *Cloud) serveS3(w http.ResponseWriter, r *http.Request) {
	action, resource := s3Action(r)
	entry := Entry{Service: "s3", Action: strings.TrimPrefix(action, "s3:"), Resource: resource}
	if c.sabotage(w, r, entry.Action, writeS3Failure, &entry) {
		return
	}
	if err := c.admit(r, action, resource, &entry); err != nil {
		f := asFailure(err)
		c.record(entry, f.status, f.code)
		writeS3Failure(w, f)
		return
	}
	plain(r.Header)
	seen := &watched{ResponseWriter: w, status: http.StatusOK}
	c.objects.ServeHTTP(seen, r)
	c.record(entry, seen.status, "")
}

// watched remembers the status of an answer.
type watched struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers status.
func (w *watched) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// admit checks signature, body and permission.
func (c *Cloud) admit(r *http.Request, action, resource string, entry *Entry) error {
	say := s3Words()
	signature, err := readSignature(r, say)
	if err != nil {
		return err
	}
	entry.AccessKeyID = signature.AccessKeyID
	payload, err := payloadOf(signature)
	if err != nil {
		return err
	}
	who, err := c.authenticate(r, signature, "s3", payload, say)
	if err != nil {
		return err
	}
	if action == "" {
		return fail(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented.")
	}
	if err := c.permit(who, action, resource); err != nil {
		return err
	}
	if source := r.Header.Get("X-Amz-Copy-Source"); source != "" {
		if err := c.permit(who, "s3:GetObject", objectARN(source)); err != nil {
			return err
		}
	}
	return bodyFailure(sigv4.ReadBody(r, payload, maxObject))
}

// payloadOf is what the signer says of the body, which S3 insists on.
func payloadOf(s *sigv4.Signature) (string, error) {
	switch {
	case s.Payload != "":
		return s.Payload, nil
	case s.Presigned:
		return sigv4.Unsigned, nil
	}
	return "", fail(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
}

func bodyFailure(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sigv4.ErrTooLarge):
		return fail(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	case errors.Is(err, sigv4.ErrHash):
		return fail(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	case errors.Is(err, sigv4.ErrChecksum):
		return fail(http.StatusBadRequest, "BadDigest", "The checksum you specified did not match what we received.")
	case errors.Is(err, sigv4.ErrUnsupported):
		return fail(http.StatusNotImplemented, "NotImplemented", "Signed chunks are not supported here: use %s", sigv4.UnsignedTrailer)
	}
	return fail(http.StatusBadRequest, "IncompleteBody", "The request body terminated unexpectedly")
}

// plain removes what only says who asked: the objects behind keep what they
// are given, and must never hold a token.
func plain(header http.Header) {
	keep := []string{"X-Amz-Copy-Source", "X-Amz-Metadata-Directive"}
	for name := range header {
		if strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "X-Amz-Meta-") && !slices.Contains(keep, name) {
			header.Del(name)
		}
	}
	header.Del("Authorization")
}

// s3Action says which of IAM's actions a request is and on what. The action is
// empty for what is not served here.
func s3Action(r *http.Request) (action, resource string) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	copied := r.Header.Get("X-Amz-Copy-Source") != "" && q.Has("uploadId")
	if copied || slices.ContainsFunc(keys(q), func(k string) bool { return !servedParameter(k) }) {
		return "", ""
	}
	switch {
	case bucket == "" && r.Method == http.MethodGet:
		return "s3:ListAllMyBuckets", "*"
	case bucket == "":
		return "", ""
	case key == "":
		return bucketAction(r.Method, q), objectARN(bucket)
	}
	return objectAction(r.Method, q), objectARN(bucket + "/" + key)
}

func bucketAction(method string, q url.Values) string {
	switch {
	case method == http.MethodGet && q.Has("location"):
		return "s3:GetBucketLocation"
	case method == http.MethodGet && q.Has("uploads"):
		return "s3:ListBucketMultipartUploads"
	case method == http.MethodPost && q.Has("delete"):
		return "s3:DeleteObject"
	case q.Has("uploads"), q.Has("location"), q.Has("delete"):
		return ""
	}
	return map[string]string{
		http.MethodGet: "s3:ListBucket", http.MethodHead: "s3:ListBucket",
		http.MethodPut: "s3:CreateBucket", http.MethodDelete: "s3:DeleteBucket",
	}[method]
}

func objectAction(method string, q url.Values) string {
	switch {
	case q.Has("location"), q.Has("delete"):
		return ""
	case q.Has("uploadId") && method == http.MethodDelete:
		return "s3:AbortMultipartUpload"
	case q.Has("uploadId") && method == http.MethodGet:
		return "s3:ListMultipartUploadParts"
	case method == http.MethodPost && !q.Has("uploadId") && !q.Has("uploads"):
		return ""
	}
	return map[string]string{
		http.MethodGet: "s3:GetObject", http.MethodHead: "s3:GetObject",
		http.MethodPut: "s3:PutObject", http.MethodPost: "s3:PutObject", http.MethodDelete: "s3:DeleteObject",
	}[method]
}

// servedParameter reports whether a query parameter means something here. The
// library behind takes PUT ?acl for an upload.
func servedParameter(name string) bool {
	return strings.HasPrefix(name, "X-Amz-") || strings.HasPrefix(name, "response-") || slices.Contains([]string{
		"list-type", "prefix", "delimiter", "marker", "start-after", "continuation-token", "max-keys", "encoding-type", "fetch-owner",
		"location", "delete", "x-id", "uploads", "uploadId", "partNumber", "key-marker", "upload-id-marker", "max-uploads",
		"part-number-marker", "max-parts", "max-buckets",
	}, name)
}

func keys(q url.Values) []string {
	names := make([]string, 0, len(q))
	for name := range q {
		names = append(names, name)
	}
	return names
}

// objectARN names a bucket or, as S3 writes it, bucket/key.
func objectARN(path string) string {
	plain, err := url.PathUnescape(strings.TrimPrefix(path, "/"))
	if err != nil {
		plain = path
	}
	return "arn:aws:s3:::" + plain
}

package devcloud

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/devcloud/sigv4"
)

// A Client asks a Cloud, or any S3 and IAM that speak the same.
type Client struct {
	Endpoint string // "http://127.0.0.1:40001"
	Region   string
	Key      Key
	Now      func() time.Time
}

// An APIError is what a service answered instead of a result.
type APIError struct {
	Status  int
	Code    string
	Message string
}

// Error returns the code and the message.
func (e *APIError) Error() string { return e.Code + ": " + e.Message }

// IAM does an operation of IAM and reads its answer into result, unless that
// is nil.
func (c *Client) IAM(ctx context.Context, action string, parameters url.Values, result any) error {
	form := url.Values{"Action": {action}, "Version": {iamVersion}}
	maps.Copy(form, parameters)
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	text, err := c.do(ctx, "iam", http.MethodPost, "/", header, []byte(form.Encode()))
	if err != nil || result == nil {
		return err
	}
	return xml.Unmarshal(text, result)
}

// S3 sends a request to S3. path is as it goes over the wire, with its query.
func (c *Client) S3(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	return c.do(ctx, "s3", method, path, http.Header{}, body)
}

// Admin steers a Cloud: see adminPath. result may be nil.
func (c *Client) Admin(ctx context.Context, method, what string, body, result any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Endpoint+adminPath+what, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.SetBasicAuth(c.Key.AccessKeyID, c.Key.SecretAccessKey)
	answer, err := send(req)
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal(answer, result)
}

func (c *Client) do(ctx context.Context, service, method, path string, header http.Header, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Endpoint, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header
	if err := sigv4.Sign(req, c.Key, body, service, c.Region, c.Now()); err != nil {
		return nil, err
	}
	return send(req)
}

func send(req *http.Request) ([]byte, error) {
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", req.URL.Host, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxObject))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", req.URL.Host, err)
	}
	if res.StatusCode >= 300 {
		return nil, readAPIError(res.StatusCode, text)
	}
	return text, nil
}

// readAPIError reads either protocol's form of an error.
func readAPIError(status int, text []byte) error {
	var answer struct {
		Code    string
		Message string
		Error   struct{ Code, Message string }
	}
	if xml.Unmarshal(text, &answer) != nil {
		return &APIError{status, http.StatusText(status), strings.TrimSpace(string(text[:min(len(text), 200)]))}
	}
	if answer.Error.Code != "" {
		return &APIError{status, answer.Error.Code, answer.Error.Message}
	}
	return &APIError{status, answer.Code, answer.Message}
}

package devcloud

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// A failure is an answer with one of AWS's codes.
type failure struct {
	status  int
	code    string
	message string
}

// Error returns code and message.
func (f *failure) Error() string { return f.code + ": " + f.message }

func fail(status int, code, format string, args ...any) *failure {
	return &failure{status, code, fmt.Sprintf(format, args...)}
}

// asFailure returns err as what a client gets to see.
func asFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	return fail(http.StatusInternalServerError, "InternalFailure", "%v", err)
}

// writeQueryFailure answers as STS and IAM do.
func writeQueryFailure(w http.ResponseWriter, f *failure) {
	kind := "Sender"
	if f.status >= 500 {
		kind = "Receiver"
	}
	writeXML(w, f.status, struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Type      string   `xml:"Error>Type"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}{Type: kind, Code: f.code, Message: f.message, RequestID: w.Header().Get("X-Amzn-Requestid")})
}

// writeS3Failure answers as S3 does.
func writeS3Failure(w http.ResponseWriter, f *failure) {
	writeXML(w, f.status, struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string   `xml:"Code"`
		Message   string   `xml:"Message"`
		RequestID string   `xml:"RequestId"`
	}{Code: f.code, Message: f.message, RequestID: w.Header().Get("X-Amzn-Requestid")})
}

func writeXML(w http.ResponseWriter, status int, body any) {
	text, err := xml.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write(append([]byte(xml.Header), text...)) // a caller that has left reads nothing
}

// words are how a service says what is wrong with a signature.
type words struct {
	unsigned   *failure
	malformed  *failure
	headers    *failure
	unknownKey *failure
	mismatch   *failure
	badToken   *failure
	expired    *failure
	skewed     func(signed, now time.Time) *failure
}

const mismatchText = "The request signature we calculated does not match the signature you provided. "

func queryWords() words {
	const invalid = "The security token included in the request is invalid."
	return words{
		unsigned:   fail(403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
		malformed:  fail(400, "IncompleteSignature", "The request signature does not conform to AWS standards."),
		headers:    fail(403, "SignatureDoesNotMatch", "'Host' and all 'X-Amz-*' headers must be signed."),
		unknownKey: fail(403, "InvalidClientTokenId", invalid),
		badToken:   fail(403, "InvalidClientTokenId", invalid),
		expired:    fail(403, "ExpiredToken", "The security token included in the request is expired"),
		mismatch: fail(403, "SignatureDoesNotMatch", mismatchText+
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."),
		skewed: func(signed, now time.Time) *failure {
			const form = "20060102T150405Z"
			s, n := signed.UTC().Format(form), now.UTC().Format(form)
			if signed.Before(now) {
				return fail(403, "SignatureDoesNotMatch", "Signature expired: %s is now earlier than %s (%s - 15 min.)",
					s, now.Add(-maxSkew).UTC().Format(form), n)
			}
			return fail(403, "SignatureDoesNotMatch", "Signature not yet current: %s is still later than %s (%s + 15 min.)",
				s, now.Add(maxSkew).UTC().Format(form), n)
		},
	}
}

func s3Words() words {
	return words{
		unsigned:   fail(403, "AccessDenied", "Access Denied"),
		malformed:  fail(400, "AuthorizationHeaderMalformed", "The authorization header that you provided is not valid."),
		headers:    fail(403, "AccessDenied", "There were headers present in the request which were not signed"),
		unknownKey: fail(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
		badToken:   fail(400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
		expired:    fail(400, "ExpiredToken", "The provided token has expired."),
		mismatch:   fail(403, "SignatureDoesNotMatch", mismatchText+"Check your key and signing method."),
		skewed: func(time.Time, time.Time) *failure {
			return fail(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
		},
	}
}

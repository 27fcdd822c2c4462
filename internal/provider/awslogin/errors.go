package awslogin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/escenv/escenv/internal/esc"
)

const (
	maxMessage = 300 // characters of an answer that are shown
	noKeys     = "couldn't retrieve verification key"
	isSTS      = "aws.region and aws.endpoint in %s name an AWS STS" // what to look at if that is in doubt
)

// A failure is what STS, or the way to it, answered.
type failure struct {
	code     string // AWS's word for it; empty if STS did not answer as itself
	message  string
	attempts int // how often asking makes sense, in all
}

// expired reports whether STS found the token too old.
func (f failure) expired() bool {
	return f.code == "ExpiredTokenException" || f.code == "ExpiredToken"
}

// diagnose sorts an error of the SDK. Only what may pass is tried again:
// retrying a no would hide it for as long.
func diagnose(err error) failure {
	var api smithy.APIError
	var unreadable *smithy.DeserializationError
	status := 0
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		status = response.HTTPStatusCode()
	}
	switch {
	case errors.As(err, &api) && api.ErrorCode() != "UnknownError":
		return failure{api.ErrorCode(), api.ErrorMessage(), patience(api, status)}
	case errors.Is(err, errTooLong):
		return failure{message: errTooLong.Error(), attempts: 1}
	case status >= 300 && status < 400:
		return failure{message: "it answers with a redirect, which is not followed", attempts: 1}
	case status >= 400:
		return failure{message: fmt.Sprintf("it answers %d %s", status, http.StatusText(status)), attempts: tries(passing(status))}
	case errors.As(err, &unreadable):
		return failure{message: "its answer cannot be read", attempts: attempts}
	}
	return failure{message: innermost(err).Error(), attempts: attempts}
}

func patience(api smithy.APIError, status int) int {
	code := api.ErrorCode()
	switch {
	case code == "InvalidIdentityToken" && strings.Contains(strings.ToLower(api.ErrorMessage()), noKeys):
		return keyAttempts
	case code == "IDPCommunicationError", strings.Contains(code, "Throttl"), code == "RequestLimitExceeded", code == "TooManyRequestsException", code == "SlowDown":
		return attempts
	}
	return tries(passing(status))
}

func passing(status int) bool { return status >= 500 || status == http.StatusTooManyRequests }

func tries(again bool) int {
	if again {
		return attempts
	}
	return 1
}

// innermost leaves out the SDK's and net/http's wrapping, with the URL.
func innermost(err error) error {
	if send, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		err = send.Err
	}
	if where, ok := errors.AsType[*url.Error](err); ok {
		err = where.Err
	}
	return err
}

// explain turns a failure into words. CloudTrail does not record all of these,
// so this message may be the only evidence there is.
func (p *Provider) explain(f failure, login oidc, token esc.Token) error {
	message := f.shown(login, token)
	if f.code == "" {
		return esc.Errorf(esc.Unavailable, "there is no answer from %s to use: %s", p.Host, message).
			WithHint("look whether the network is up and "+isSTS, p.Settings)
	}
	kind, did := esc.Refused, "refused"
	if f.attempts > 1 {
		kind, did = esc.Unavailable, "could not give out"
	}
	return esc.Errorf(kind, "AWS %s the role %s: %s; presented %s", did, login.role, message, token.Claims()).
		WithHint("%s", p.hint(f, token))
}

// shown is the message without what must not be shown: STS was sent the token,
// and may say it again.
func (f failure) shown(login oidc, token esc.Token) string {
	secrets := []string{reveal(token.JWT)}
	for _, v := range append(slices.Clip(login.policies), login.role) {
		if v.IsSecret() {
			secrets = append(secrets, reveal(v))
		}
	}
	words := f.message
	if f.code != "" && f.code != "AccessDenied" {
		words = strings.TrimSuffix(f.code+": "+words, ": ")
	}
	return esc.OneLine(redact(words[:min(len(words), 16*maxMessage)], secrets), maxMessage)
}

// hint names the next thing to look at.
func (p *Provider) hint(f failure, token esc.Token) string {
	issuer := esc.OneLine(token.Issuer, 255)
	message := strings.ToLower(f.message)
	switch {
	case f.code == "AccessDenied":
		return "compare them with the conditions of the role's trust policy"
	case f.code == "InvalidIdentityToken" && strings.Contains(message, "no openidconnect provider"):
		return fmt.Sprintf("create an IAM identity provider for %s in the role's account", issuer)
	case f.code == "InvalidIdentityToken" && strings.Contains(message, "audience"):
		return "add the audience to the IAM identity provider for " + issuer
	case f.code == "InvalidIdentityToken", f.code == "IDPCommunicationError":
		return fmt.Sprintf("look whether %s/.well-known/openid-configuration, and the keys it names, can be read by everyone and hold the key that signs", issuer)
	case f.code == "IDPRejectedClaim":
		return "log in at the identity provider again"
	case f.expired():
		return "look whether this machine's clock is right"
	case f.code == "RegionDisabledException":
		return fmt.Sprintf("activate STS for the region of %s, or set another aws.region in %s", p.Host, p.Settings)
	case f.code == "PackedPolicyTooLarge", f.code == "MalformedPolicyDocument":
		return "give fewer or other policyArns"
	case strings.Contains(message, "durationseconds"):
		return "give a shorter duration, or raise the role's maximum session duration"
	case f.attempts > 1:
		return "try again in a while"
	}
	return "compare the definition's aws-login, and what the token presents, with what the role trusts"
}

// clue is the shortest piece of a secret that counts as one, in bytes.
const clue = 8

// redact hides every piece of a secret in text.
func redact(text string, secrets []string) string {
	pieces := map[string]bool{}
	for _, secret := range secrets {
		for i := 0; i+clue <= len(secret); i++ {
			pieces[secret[i:i+clue]] = true
		}
	}
	var b strings.Builder
	hidden := 0 // text up to here is part of a secret
	for i := range len(text) {
		if i+clue <= len(text) && pieces[text[i:i+clue]] {
			if i >= hidden {
				b.WriteString(esc.Hidden)
			}
			hidden = i + clue
		}
		if i >= hidden {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

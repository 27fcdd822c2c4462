package credserver

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/escenv/escenv/internal/credentials"
	"github.com/escenv/escenv/internal/esc"
)

// ServeHTTP answers with credentials, or with an error that AWS's clients show.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Type", "application/json")
	header.Set("X-Content-Type-Options", "nosniff")
	if status, why := e.refuse(r); status != 0 {
		if status == http.StatusMethodNotAllowed {
			header.Set("Allow", http.MethodGet)
		}
		answer(w, status, credentials.Problem("AccessDenied", why))
		return
	}
	found, err := e.source(r.Context())
	if err != nil {
		answer(w, http.StatusBadRequest, credentials.Problem("CredentialsExpired", explain(err)))
		return
	}
	answer(w, http.StatusOK, found.Endpoint())
}

// answer sends a reply. A client that is gone misses nothing.
func answer(w http.ResponseWriter, status int, body []byte) {
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// refuse returns the status for a request that gets no credentials, and why it
// gets none; 0 for one that does.
func (e *Endpoint) refuse(r *http.Request) (status int, why string) {
	switch {
	case r.Host != e.host: // a page whose own name was made to lead here
		return http.StatusForbidden, "this host is not served"
	case viaBrowserOrProxy(r.Header):
		return http.StatusForbidden, "browsers and proxies are not served"
	case !e.knowsToken(r.Header):
		return http.StatusForbidden, "the authorization token is missing or wrong"
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, "only GET is answered"
	case r.RequestURI != e.path:
		return http.StatusNotFound, "there is nothing at this path"
	}
	return 0, ""
}

// viaBrowserOrProxy reports whether headers tell of somebody between the client
// and us. No AWS client sends any of them.
func viaBrowserOrProxy(header http.Header) bool {
	for name := range header {
		switch {
		case name == "Origin", name == "Referer", name == "Cookie", name == "Forwarded", name == "Via",
			strings.HasPrefix(name, "Sec-"), strings.HasPrefix(name, "X-Forwarded-"):
			return true
		}
	}
	return false
}

// knowsToken compares without telling how much of a wrong token is right.
func (e *Endpoint) knowsToken(header http.Header) bool {
	said := header.Values("Authorization")
	return len(said) == 1 && subtle.ConstantTimeCompare([]byte(said[0]), []byte(e.Token)) == 1
}

// explain puts an error into one line, with what to do about it.
func explain(err error) string {
	if e, ok := errors.AsType[*esc.Error](err); ok && e.Hint != "" {
		return err.Error() + " (" + e.Hint + ")"
	}
	return err.Error()
}

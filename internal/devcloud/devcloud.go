// Package devcloud is a small AWS for one machine: an STS and an IAM that
// refuse what AWS refuses, and an S3 behind real signatures. It serves the
// demo and the tests, keeps everything in memory and is no place for anything
// that matters.
//
// What it loosens, and AWS does not: an issuer URL may have a port if its host
// is a loopback address, and sessions can be told to end early.
package devcloud

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/escenv/escenv/internal/devcloud/policy"
	"github.com/escenv/escenv/internal/devcloud/sigv4"
	"github.com/escenv/escenv/internal/devcloud/webidentity"
)

// Options say what a Cloud is made of. All but MaxSessionLife are required.
type Options struct {
	Account string // 12 digits
	Root    Key    // what may do everything
	Now     func() time.Time
	Random  func() string // unguessable text, at least 26 characters of A-Z2-7
	Fetch   *http.Client  // fetches what issuers publish

	// MaxSessionLife, if not zero, ends sessions early whatever was asked for.
	MaxSessionLife time.Duration
}

// A Key is what requests are signed with.
type Key = sigv4.Key

// A Cloud is an account in memory. It is an http.Handler.
type Cloud struct {
	options Options
	issuers *webidentity.Issuers
	objects http.Handler // S3 for whoever was let in

	mu        sync.Mutex
	providers map[string]*provider // by issuer URL
	roles     map[string]*role     // by name
	sessions  map[string]*session  // by access key id; those that ended too
	life      time.Duration        // as Options.MaxSessionLife
	faults    []Fault
	log       []Entry
}

type provider struct {
	arn     string
	clients []string
}

type role struct {
	name     string
	id       string
	arn      string
	max      time.Duration
	created  time.Time
	trust    *policy.Document
	source   string                      // the trust policy as it came
	policies map[string]*policy.Document // inline, by name
}

// New makes an empty Cloud.
func New(options Options) *Cloud {
	return &Cloud{
		options:   options,
		issuers:   &webidentity.Issuers{Client: options.Fetch, Now: options.Now},
		objects:   newObjects(options.Now),
		providers: map[string]*provider{},
		roles:     map[string]*role{},
		sessions:  map[string]*session{},
		life:      options.MaxSessionLife,
	}
}

// ServeHTTP answers like the service the request is for.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", c.options.Random()[:26])
	switch {
	case strings.HasPrefix(r.URL.Path, adminPath):
		c.serveAdmin(w, r)
	case isQuery(r):
		c.serveQuery(w, r)
	default:
		c.serveS3(w, r)
	}
}

// isQuery tells STS's and IAM's protocol from S3's.
func isQuery(r *http.Request) bool {
	if r.URL.Path != "/" && r.URL.Path != "" {
		return false
	}
	return r.Method == http.MethodPost || r.URL.Query().Has("Action")
}

func (c *Cloud) arn(service, resource string) string {
	return "arn:aws:" + service + "::" + c.options.Account + ":" + resource
}

// providerName is what ARNs and condition keys call an issuer.
func providerName(issuer string) string { return strings.TrimPrefix(issuer, "https://") }

// isLoopback reports whether a URL stays on this machine.
func isLoopback(u *url.URL) bool {
	host := u.Hostname()
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

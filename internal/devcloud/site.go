package devcloud

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// A Site listens: the Cloud on http, and what issuers publish on https, both
// on loopback.
type Site struct {
	Endpoint  string // of the Cloud: "http://127.0.0.1:40001"
	IssuerURL string // where Dir is: "https://127.0.0.1:40002"
	CA        []byte // PEM: the throw-away authority behind IssuerURL
	Root      Key
	Cloud     *Cloud

	servers []*http.Server
}

// SiteOptions say what a Site is made of.
type SiteOptions struct {
	Addr           string // of the Cloud, HOST:PORT on loopback; port 0 for a free one
	IssuerAddr     string // of the issuers' site, likewise
	Dir            string // what issuers publish; empty for nothing
	Account        string
	MaxSessionLife time.Duration
	Now            func() time.Time
}

// Open starts to listen.
func Open(o SiteOptions) (*Site, error) {
	if len(o.Account) != 12 || strings.Trim(o.Account, "0123456789") != "" {
		return nil, esc.Errorf(esc.Invalid, "an account has 12 digits, not %q", o.Account)
	}
	authority, err := newAuthority(o.Now())
	if err != nil {
		return nil, err
	}
	root := Key{AccessKeyID: "AKIA" + rand.Text()[:16], SecretAccessKey: rand.Text() + rand.Text()[:14]}
	s := &Site{CA: authority.pem, Root: root}
	s.Cloud = New(Options{
		Account: o.Account, Root: root, Now: o.Now, Random: rand.Text, Fetch: authority.client(o.Now), MaxSessionLife: o.MaxSessionLife,
	})
	if s.Endpoint, err = s.listen(o.Addr, "http://", s.Cloud, nil); err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{authority.leaf}, MinVersion: tls.VersionTLS12}
	if s.IssuerURL, err = s.listen(o.IssuerAddr, "https://", documents(o.Dir), config); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close stops listening.
func (s *Site) Close() {
	for _, server := range s.servers {
		_ = server.Close() // nothing is written that could be lost
	}
}

// listen serves h on a loopback address and returns its URL.
func (s *Site) listen(addr, scheme string, h http.Handler, config *tls.Config) (string, error) {
	host, _, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return "", esc.Errorf(esc.Invalid, "%q is not a loopback address with a port", addr).WithHint("use 127.0.0.1:0")
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	url := scheme + listener.Addr().String()
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	server := &http.Server{
		Handler: sameHost(h, strings.TrimPrefix(url, scheme)), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: log.New(io.Discard, "", 0),
	}
	s.servers = append(s.servers, server)
	go func() { _ = server.Serve(listener) }() // ends with Close
	return url, nil
}

// sameHost refuses a request for another host: a web page somewhere may have
// had its name point here.
func sameHost(h http.Handler, host string) http.Handler {
	_, port, _ := net.SplitHostPort(host)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != host && r.Host != "localhost:"+port {
			http.Error(w, "this is "+host, http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// documents serves the files below dir and lists nothing.
func documents(dir string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, err := os.OpenInRoot(dir, strings.TrimPrefix(path.Clean(r.URL.Path), "/"))
		if err != nil || dir == "" {
			http.NotFound(w, r)
			return
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil || !info.Mode().IsRegular() {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.Copy(w, file) // a caller that has left reads nothing
	})
}

// authority is a certificate authority that lives as long as the process.
type authority struct {
	pem  []byte
	pool *x509.CertPool
	leaf tls.Certificate
}

func newAuthority(now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "escenv-devcloud throw-away CA"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(30 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		return nil, err
	}
	a := &authority{pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pool: x509.NewCertPool()}
	a.pool.AppendCertsFromPEM(a.pem)
	return a, a.issue(root, key)
}

func (a *authority) issue(root *x509.Certificate, rootKey *ecdsa.PrivateKey) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "escenv-devcloud"}, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), rootKey)
	a.leaf = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return err
}

// client trusts this authority, and nobody else, and goes through no proxy.
func (a *authority) client(now func() time.Time) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.pool, MinVersion: tls.VersionTLS12, Time: now}, DisableKeepAlives: true}}
}

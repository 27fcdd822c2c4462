package devcloud

import (
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// adminPath is where tests steer a Cloud. It takes the root key as HTTP Basic
// authentication:
//
//	POST   faults    a Fault: what the next calls of an action meet
//	DELETE faults    none any more
//	GET    counts    {"AssumeRoleWithWebIdentity": 1, ...}
//	GET    requests  every Entry, oldest first
//	DELETE requests  forget them
//	POST   sessions  {"life": "5s"}: sessions from now on last no longer;
//	                 {"expire": true}: those that exist end now
//	DELETE keys      forget the keys of issuers
const adminPath = "/_devcloud/"

const (
	maxAdmin = 64 << 10 // bytes
	maxLog   = 100_000  // entries
)

// A Fault is what calls meet instead of an answer, or before one.
type Fault struct {
	Action  string `json:"action"`            // "AssumeRoleWithWebIdentity", "GetObject"; empty for any
	Times   int    `json:"times,omitempty"`   // how many calls; 0 for one
	Delay   string `json:"delay,omitempty"`   // first wait: "2s"
	Status  int    `json:"status,omitempty"`  // HTTP; 0 for 400
	Code    string `json:"code,omitempty"`    // answer with this error
	Message string `json:"message,omitempty"` // and these words
	Body    string `json:"body,omitempty"`    // or answer with this text
	Drop    bool   `json:"drop,omitempty"`    // or with nothing at all
}

// An Entry is one request in the log. It holds no secret.
type Entry struct {
	Time        time.Time `json:"time"`
	Service     string    `json:"service"`
	Action      string    `json:"action"`
	Resource    string    `json:"resource,omitempty"`
	AccessKeyID string    `json:"access_key_id,omitempty"`
	Status      int       `json:"status"`
	Code        string    `json:"code,omitempty"`
	Fault       bool      `json:"fault,omitempty"` // it was asked for
}

func (c *Cloud) serveAdmin(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	root := c.options.Root
	if subtle.ConstantTimeCompare([]byte(id+":"+secret), []byte(root.AccessKeyID+":"+root.SecretAccessKey)) != 1 || r.Header.Get("Origin") != "" {
		http.Error(w, "the root key is required", http.StatusForbidden)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAdmin))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := c.admin(r.Method+" "+r.URL.Path[len(adminPath):], body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // a caller that has left reads nothing
}

func (c *Cloud) admin(what string, body []byte) (any, error) {
	ok := struct{}{}
	switch what {
	case "POST faults":
		return ok, c.addFault(body)
	case "POST sessions":
		return ok, c.changeSessions(body)
	case "DELETE keys":
		c.issuers.Forget()
		return ok, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch what {
	case "DELETE faults":
		c.faults = nil
		return ok, nil
	case "GET counts":
		return counts(c.log), nil
	case "GET requests":
		return append([]Entry{}, c.log...), nil
	case "DELETE requests":
		c.log = nil
		return ok, nil
	}
	return nil, fail(http.StatusNotFound, "NoSuchOperation", "there is no %q here", what)
}

func counts(log []Entry) map[string]int {
	n := map[string]int{}
	for _, e := range log {
		n[e.Action]++
	}
	return n
}

func (c *Cloud) addFault(body []byte) error {
	var f Fault
	if err := json.Unmarshal(body, &f); err != nil {
		return err
	}
	if _, err := time.ParseDuration("0s" + f.Delay); err != nil {
		return err
	}
	f.Times = max(f.Times, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, f)
	return nil
}

func (c *Cloud) changeSessions(body []byte) error {
	var change struct {
		Life   string `json:"life"`
		Expire bool   `json:"expire"`
	}
	if err := json.Unmarshal(body, &change); err != nil {
		return err
	}
	life, err := time.ParseDuration("0s" + change.Life)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if change.Life != "" {
		c.life = life
	}
	for _, s := range c.sessions {
		if change.Expire {
			s.expires = c.options.Now()
		}
	}
	return nil
}

// sabotage lets a call meet the first fault that waits for it, and reports
// whether the call has its answer.
func (c *Cloud) sabotage(w http.ResponseWriter, r *http.Request, action string, write func(http.ResponseWriter, *failure), entry *Entry) bool {
	f, ok := c.nextFault(action)
	if !ok {
		return false
	}
	entry.Fault = true
	delay, _ := time.ParseDuration("0s" + f.Delay)
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
	}
	if f.Status == 0 {
		f.Status = http.StatusBadRequest
	}
	switch {
	case f.Drop:
		c.record(*entry, 0, "dropped")
		panic(http.ErrAbortHandler)
	case f.Body != "":
		c.record(*entry, f.Status, "")
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Body) // as above
	case f.Code != "":
		c.record(*entry, f.Status, f.Code)
		write(w, fail(f.Status, f.Code, "%s", f.Message))
	default:
		return false // it was only to be slow
	}
	return true
}

func (c *Cloud) nextFault(action string) (Fault, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, f := range c.faults {
		if f.Action != "" && f.Action != action {
			continue
		}
		if c.faults[i].Times--; c.faults[i].Times == 0 {
			c.faults = append(c.faults[:i:i], c.faults[i+1:]...)
		}
		return f, true
	}
	return Fault{}, false
}

func (c *Cloud) record(e Entry, status int, code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.Time, e.Status, e.Code = c.options.Now().UTC(), status, code
	if len(c.log) < maxLog {
		c.log = append(c.log, e)
	}
}

// Calls returns how many calls of an action there were.
func (c *Cloud) Calls(action string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return counts(c.log)[action]
}

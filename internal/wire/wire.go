// Package wire is the protocol between escenv and escenv-agent: frames,
// messages, and the caller's side of a conversation. The same protocol runs
// over the shared agent's unix socket and over the standard streams of a
// private one. docs/agent-protocol.md is its specification.
//
// Both programs link this package, so it may not import anything heavy.
package wire

import (
	"encoding/json"
	"time"

	"github.com/escenv/escenv/internal/esc"
)

// Version is the version of the protocol. A peer that speaks another one is
// refused.
const Version = 1

// Caps on a frame's body, in bytes, checked before anything is allocated.
const (
	MaxRequest = 1 << 20
	MaxReply   = 8 << 20
)

// An Op names what a request asks for.
type Op string

// The operations. The comment gives the types of arguments and result.
const (
	OpOpen          Op = "open"           // OpenArgs, OpenResult
	OpRender        Op = "render"         // RenderArgs, RenderResult
	OpCheck         Op = "check"          // CheckArgs, CheckResult
	OpEnvList       Op = "env.list"       // none, EnvListResult
	OpEnvRead       Op = "env.read"       // EnvReadArgs, EnvReadResult
	OpEnvWrite      Op = "env.write"      // EnvWriteArgs, EnvWriteResult
	OpEnvGet        Op = "env.get"        // EnvGetArgs, EnvGetResult
	OpEnvSet        Op = "env.set"        // EnvSetArgs, EnvWriteResult
	OpEnvRemove     Op = "env.remove"     // EnvRemoveArgs, none
	OpIssuerInit    Op = "issuer.init"    // IssuerInitArgs, IssuerResult
	OpIssuerShow    Op = "issuer.show"    // none, IssuerResult
	OpIssuerPublish Op = "issuer.publish" // IssuerPublishArgs, IssuerPublishResult
	OpServe         Op = "serve"          // OpenArgs, none: ServeEvents for as long as the caller listens
	OpStatus        Op = "status"         // none, StatusResult
	OpForget        Op = "forget"         // ForgetArgs, none: drop opened environments
	OpRelease       Op = "release"        // ReleaseArgs, none: a process uses nothing any more
	OpLock          Op = "lock"           // none, none: drop everything and open nothing until OpUnlock
	OpUnlock        Op = "unlock"         // none, none
	OpLeave         Op = "leave"          // none, none: the agent stops; any build may ask
)

// A Request is the one frame a caller sends.
type Request struct {
	V     int             `json:"v"`
	Build string          `json:"build"`
	Op    Op              `json:"op"`
	Args  json.RawMessage `json:"args,omitempty"`
}

// A Reply is one of the frames an agent answers with: any number with Progress
// or Event set, then one with Result or Error.
type Reply struct {
	V        int             `json:"v"`
	Progress string          `json:"progress,omitempty"`
	Event    json.RawMessage `json:"event,omitempty"` // what happened meanwhile, as the operation has it
	Result   json.RawMessage `json:"result,omitempty"`
	Error    *Error          `json:"error,omitempty"`
}

// An Error is an esc.Error or esc.Diagnostics on the wire.
type Error struct {
	Kind        esc.Kind         `json:"kind"`
	Summary     string           `json:"summary"`
	Hint        string           `json:"hint,omitempty"`
	Diagnostics []esc.Diagnostic `json:"diagnostics,omitempty"`
}

// Ref is an esc.Ref on the wire, resolved: a path is absolute.
type Ref = esc.Ref

// OpenArgs ask for what an esc.Request asks for.
type OpenArgs struct {
	Refs []Ref    `json:"refs"`
	Want esc.Want `json:"want,omitempty"` // 0 variables, 1 everything, 2 the value at Path
	Path string   `json:"path,omitempty"`
	Hook bool     `json:"hook,omitempty"` // an interactive prompt waits: do not ask anybody anything

	Holder int `json:"holder,omitempty"` // the process for which to keep the environment fresh while it lives
}

// OpenResult is an opened environment. Values are in the clear: it never goes
// anywhere but over the wire.
type OpenResult struct {
	Name      string           `json:"name"`
	Variables []Variable       `json:"variables"`
	Files     []File           `json:"files,omitempty"`
	Value     json.RawMessage  `json:"value,omitempty"` // what was wanted beyond the variables
	Secrets   []string         `json:"secrets,omitempty"`
	Expires   time.Time        `json:"expires,omitzero"`
	Renew     time.Time        `json:"renew,omitzero"` // when to ask again; before Expires
	Leases    []Lease          `json:"leases,omitempty"`
	Sources   []string         `json:"sources,omitempty"`
	Allow     []string         `json:"allow,omitempty"` // dangerous names the user's configuration allows in the hook
	Quiet     bool             `json:"quiet,omitempty"` // the user's configuration wants no word from the hook
	Warnings  []esc.Diagnostic `json:"warnings,omitempty"`
}

// A Variable is an esc.Variable in the clear.
type Variable struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Secret bool   `json:"secret,omitempty"`
	Leases []int  `json:"leases,omitempty"`
}

// A File is an esc.File in the clear.
type File struct {
	Name    string `json:"name"`
	Content string `json:"content"`
	Secret  bool   `json:"secret,omitempty"`
	Leases  []int  `json:"leases,omitempty"`
}

// A Lease is an esc.Lease on the wire.
type Lease struct {
	Name    string    `json:"name"`
	Expires time.Time `json:"expires,omitzero"`
	Renew   time.Time `json:"renew,omitzero"`
}

// RenderArgs ask for a whole environment, or one property of it, as text.
type RenderArgs struct {
	Ref    Ref    `json:"ref"`
	Path   string `json:"path,omitempty"`
	Format string `json:"format"` // one of render.Formats
}

// RenderResult is text for stdout, secrets in the clear.
type RenderResult struct {
	Text     []byte           `json:"text"`
	Files    []string         `json:"files,omitempty"`   // names of files that a format of variables leaves out
	Secrets  []string         `json:"secrets,omitempty"` // for github-env: what logs must not show
	Warnings []esc.Diagnostic `json:"warnings,omitempty"`
}

// CheckArgs ask whether a definition could be opened, without opening it.
type CheckArgs struct {
	Ref Ref `json:"ref"`
}

// CheckResult says what opening would set. Errors come as an Error.
type CheckResult struct {
	Name      string           `json:"name"`
	Variables []string         `json:"variables"`       // names, sorted
	Files     []string         `json:"files,omitempty"` // names, sorted
	Providers []string         `json:"providers"`       // the fn::open providers it would use, sorted, once each
	Warnings  []esc.Diagnostic `json:"warnings,omitempty"`
}

// EnvListResult names the definitions in the store, sorted.
type EnvListResult struct {
	Refs []Ref  `json:"refs"`
	Dir  string `json:"dir"`
}

// EnvReadArgs ask for a definition's text.
type EnvReadArgs struct {
	Ref Ref `json:"ref"`
}

// EnvReadResult is a definition's text and what to name when writing it back.
type EnvReadResult struct {
	Text     []byte `json:"text"`
	Revision string `json:"revision"`
	File     string `json:"file"`
}

// EnvWriteArgs replace a definition. Text that cannot be loaded is refused
// with Diagnostics and nothing is written.
type EnvWriteArgs struct {
	Ref    Ref    `json:"ref"`
	Text   []byte `json:"text"`
	Base   string `json:"base,omitempty"` // the revision it was read at; Conflict if it is another now
	Create bool   `json:"create,omitempty"`
}

// EnvWriteResult says what was written.
type EnvWriteResult struct {
	Revision string           `json:"revision"`
	File     string           `json:"file"`
	Warnings []esc.Diagnostic `json:"warnings,omitempty"`
}

// EnvGetArgs ask for one value of a definition as it is written, secrets
// hidden unless Reveal.
type EnvGetArgs struct {
	Ref    Ref    `json:"ref"`
	Path   string `json:"path,omitempty"`
	Reveal bool   `json:"reveal,omitempty"`
}

// EnvGetResult is YAML text.
type EnvGetResult struct {
	Text []byte `json:"text"`
}

// EnvSetArgs set one property below values.
type EnvSetArgs struct {
	Ref    Ref    `json:"ref"`
	Path   string `json:"path"`
	Value  string `json:"value"`
	Secret bool   `json:"secret,omitempty"` // wrap it in fn::secret
	String bool   `json:"string,omitempty"` // take it as a string even if it reads as YAML
	Remove bool   `json:"remove,omitempty"` // remove the property instead
}

// EnvRemoveArgs remove a definition.
type EnvRemoveArgs struct {
	Ref Ref `json:"ref"`
}

// IssuerInitArgs make an issuer's key.
type IssuerInitArgs struct {
	URL string `json:"url"`
}

// IssuerResult describes the issuer.
type IssuerResult struct {
	URL     string `json:"url"`
	KeyID   string `json:"key_id"`
	KeyFile string `json:"key_file"`
}

// IssuerPublishArgs write the public documents below Dir, which is absolute.
type IssuerPublishArgs struct {
	Dir string `json:"dir"`
}

// IssuerPublishResult names the files that were written.
type IssuerPublishResult struct {
	URL   string   `json:"url"`
	Files []string `json:"files"`
}

// ForgetArgs name a definition; without one, everything is meant.
type ForgetArgs struct {
	Ref Ref `json:"ref,omitzero"`
}

// ReleaseArgs name a process that was a Holder.
type ReleaseArgs struct {
	Holder int `json:"holder"`
}

// StatusResult describes the agent. Fields are added to it, never changed:
// every build reads it.
type StatusResult struct {
	Build    string        `json:"build"`
	PID      int           `json:"pid"`
	Started  time.Time     `json:"started"`
	Identity string        `json:"identity"` // where identity tokens come from, in words
	Region   string        `json:"region,omitempty"`
	Endpoint string        `json:"endpoint,omitempty"`
	Leases   []LeaseStatus `json:"leases"`

	Environments []EnvironmentStatus `json:"environments,omitempty"`
	Locked       bool                `json:"locked,omitempty"`
	Swappable    bool                `json:"swappable,omitempty"` // the system may write its memory to swap
}

// LeaseStatus describes one fn::open in memory.
type LeaseStatus struct {
	Name    string    `json:"name"` // as in Lease
	Expires time.Time `json:"expires,omitzero"`
	Renew   time.Time `json:"renew,omitzero"`
	Holders int       `json:"holders,omitempty"` // processes for which it is kept fresh
	Delay
}

// EnvironmentStatus describes one opened environment in memory. One that shells
// and commands want different parts of is there several times.
type EnvironmentStatus struct {
	Name    string    `json:"name"`
	Expires time.Time `json:"expires,omitzero"`
	Renew   time.Time `json:"renew,omitzero"`
	Holders int       `json:"holders,omitempty"`
	Delay
}

// A Delay says why something, or a part of it, was not renewed when it was due.
// It is empty if nothing is wrong.
type Delay struct {
	Problem string    `json:"problem,omitempty"` // what went wrong the last time
	Hint    string    `json:"hint,omitempty"`
	Since   time.Time `json:"since,omitzero"` // when it went wrong first
}

// A ServeEvent is what OpServe tells while it lasts: first where the
// credentials are, then what came with each renewal.
type ServeEvent struct {
	URL     string    `json:"url,omitempty"`     // once: the container-credentials endpoint, on loopback
	Token   string    `json:"token,omitempty"`   // once: what its clients must say
	Secrets []string  `json:"secrets,omitempty"` // to be masked from now on
	Expires time.Time `json:"expires,omitzero"`  // of what is served now
	Problem *Error    `json:"problem,omitempty"` // a renewal failed; it is tried again
}

package eval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/schema"
)

// A run opens or checks one definition. Everything in it belongs to the
// goroutine that computes, but for the work that start hands out.
type run struct {
	ctx       context.Context
	cancel    context.CancelFunc
	loader    Loader
	catalog   map[string]esc.Provider
	rotators  map[string]Rotator
	decrypter Decrypter
	context   map[string]esc.Value // what ${context} holds beside the definitions
	mode

	slots    chan struct{} // bounds work under way
	settled  chan func()   // results of work, to be applied
	underway int
	loading  int
	wave     int // counts how often everything not ready was asked for again

	root      *environment
	loads     map[string]*load        // by name, as written
	envs      map[string]*environment // by Source.Name
	order     []*environment
	asking    *cell               // the expression whose reference is being followed
	finals    bool                // values may be final
	owning    map[*place]bool     // whose own value is being computed, see own
	told      map[*place][]string // names to suggest, see suggest
	steps     int
	looks     int // layers that were looked through for a name
	made      int // size of what was made of other values
	checks    schema.Meter
	nested    int
	frozen    bool // nothing more is loaded: what is not there is unknown
	exhausted bool // too many steps: nothing more is computed
	secrets   map[string]bool
	opened    map[string]bool // names of providers
	opens     int
	leases    []esc.Lease // of what was opened, by number
	rotations []Rotation

	notes
	failures []failure
}

// A mode says how far a run goes.
type mode struct {
	checking    bool // nothing may be opened
	lenient     bool // what is wrong does not end the run
	lazy        bool // what is not merged is loaded when it is referred to, even if lenient
	showSecrets bool // ciphertext is decrypted, also while checking
	rotating    bool
	tracing     bool            // what lies below what hides it is told, too
	dropping    bool            // imports with mistakes are left out
	rotatePaths map[string]bool // of the fn::rotate that rotate; empty for all
}

// A failure is a provider that could not open.
type failure struct {
	at  esc.Diagnostic
	err *esc.Error
}

// begin loads a definition and its imports.
func (e *Evaluator) begin(ctx context.Context, ref esc.Ref, slots chan struct{}, m mode) (*run, error) {
	src, err := e.Loader.LoadRef(ctx, ref)
	if err != nil {
		return nil, err
	}
	r := &run{
		loader: e.Loader, catalog: e.Providers, rotators: e.Rotators, decrypter: e.Decrypter, context: e.Context, mode: m,
		slots: slots, settled: make(chan func()), wave: 1,
		loads: map[string]*load{}, envs: map[string]*environment{},
		secrets: map[string]bool{}, opened: map[string]bool{}, owning: map[*place]bool{}, told: map[*place][]string{},
	}
	r.ctx, r.cancel = context.WithCancel(ctx)
	r.root = r.adopt(parse(src))
	err = r.finish(func() bool { return r.loading == 0 })
	var wrong esc.Diagnostics
	if m.lenient && errors.As(err, &wrong) {
		return r, nil // and find what else is wrong
	}
	if err != nil {
		r.cancel()
		return nil, err
	}
	return r, nil
}

// start has work done beside everything else. What it returns is then called
// by the goroutine that computes.
func (r *run) start(work func(context.Context) (settle func())) {
	r.underway++
	go func() {
		select {
		case r.slots <- struct{}{}:
		case <-r.ctx.Done():
			return
		}
		settle := safely(r.ctx, work)
		<-r.slots
		select {
		case r.settled <- settle:
		case <-r.ctx.Done():
		}
	}()
}

// safely does work. If that crashes, so does the goroutine that computes, which
// can make an error of it.
func safely(ctx context.Context, work func(context.Context) (settle func())) (settle func()) {
	defer func() {
		if recover() != nil { // what it says may hold a secret
			settle = func() { panic("work of this evaluation crashed") }
		}
	}()
	return work(ctx)
}

// finish asks until ready says yes, waiting for work in between, and then for
// all work that is under way: the first error does not hide the others.
func (r *run) finish(ready func() bool) error {
	if err := r.settleAll(ready); err != nil {
		return err
	}
	return r.err()
}

// settleAll is finish for who looks at what is wrong later.
func (r *run) settleAll(ready func() bool) error {
	for !ready() {
		if err := r.wait(); err != nil {
			return err
		}
	}
	for r.underway > 0 {
		if err := r.wait(); err != nil {
			return err
		}
	}
	return r.ctx.Err()
}

// wait applies what has settled, at least one thing.
func (r *run) wait() error {
	if r.underway == 0 {
		return esc.Errorf(esc.Internal, "evaluation waits for nothing")
	}
	select {
	case settle := <-r.settled:
		r.apply(settle)
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
	for {
		select {
		case settle := <-r.settled:
			r.apply(settle)
		default:
			return nil
		}
	}
}

func (r *run) apply(settle func()) {
	r.underway--
	r.wave++
	settle()
}

// errorAt reports what is wrong with the expression of c.
func (r *run) errorAt(c *cell, summary, hint string) {
	r.rangeError(c, 0, len(c.expr.raw), summary, hint)
}

// rangeError is errorAt for some bytes of a scalar.
func (r *run) rangeError(c *cell, start, end int, summary, hint string) {
	if r.room(false) {
		r.add(diagnoseRange(c.env.def.source, c.expr, start, end, summary, hint))
	}
}

// err returns what went wrong so far. A definition's errors come first; a
// provider's failure alone keeps its kind, for the caller to act on.
func (r *run) err() error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if r.said.Err() == nil && len(r.failures) > 0 {
		return r.failure()
	}
	return r.everythingSaid().Err()
}

// everythingSaid returns what is wrong with the definition, and with what it
// opens.
func (r *run) everythingSaid() esc.Diagnostics {
	all := append(esc.Diagnostics{}, r.said...)
	for _, f := range r.failures {
		all = append(all, f.at)
	}
	return tidy(all)
}

// failure returns the first failure by position, but one that a private agent
// can mend before all others.
func (r *run) failure() error {
	first := r.failures[0]
	for _, f := range r.failures[1:] {
		if f.before(first) {
			first = f
		}
	}
	summary := first.at.String()
	if more := len(r.failures) - 1; more > 0 {
		summary += fmt.Sprintf(" (and %d more failed)", more)
	}
	return &esc.Error{Kind: first.err.Kind, Summary: summary, Hint: first.err.Hint, Err: first.err}
}

func (f failure) before(g failure) bool {
	mends, other := f.err.Kind == esc.CallerIdentity, g.err.Kind == esc.CallerIdentity
	if mends != other {
		return mends
	}
	a, b := f.at.Position, g.at.Position
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) < 0
}

// note remembers the secrets in what was computed.
func (r *run) note(v esc.Value) {
	if list, ok := v.List(); ok {
		for _, e := range list {
			r.note(e)
		}
	}
	if object, ok := v.Object(); ok {
		for _, e := range object {
			r.note(e)
		}
	}
	if text, ok := v.RevealString(); ok && v.IsSecret() && text != "" && v.Kind() != "boolean" {
		r.secrets[text] = true
	}
}

func (r *run) secretValues() []esc.Value {
	out := make([]esc.Value, 0, len(r.secrets))
	for text := range r.secrets {
		out = append(out, esc.NewSecret(text))
	}
	return distinctSecrets(out)
}

// distinctSecrets sorts and drops repetitions.
func distinctSecrets(values []esc.Value) []esc.Value {
	var texts []string
	for _, v := range values {
		text, _ := v.RevealString()
		texts = append(texts, text)
	}
	var out []esc.Value
	for _, text := range distinct(texts) {
		out = append(out, esc.NewSecret(text))
	}
	return out
}

func (r *run) sources() []string {
	var files []string
	for _, env := range r.order {
		if file := env.def.source.File; file != "" {
			files = append(files, file)
		}
	}
	return distinct(files)
}

func (r *run) providers() []string {
	var names []string
	for name := range r.opened {
		names = append(names, name)
	}
	return distinct(names)
}

func (r *run) diagnostics() esc.Diagnostics { return tidy(r.said) }

// distinct sorts and drops repetitions.
func distinct(texts []string) []string {
	sort.Strings(texts)
	var out []string
	for i, text := range texts {
		if i == 0 || text != texts[i-1] {
			out = append(out, text)
		}
	}
	return out
}

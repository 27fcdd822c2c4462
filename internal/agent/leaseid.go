package agent

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"io"

	"github.com/escenv/escenv/internal/esc"
)

// A leaseID is the same for openings that one lease satisfies. Inputs may hold
// secrets, so it is a hash under a key that this process alone has.
type leaseID [sha256.Size]byte

// id hashes everything that an opening depends on.
func (l *Leases) id(provider string, inputs esc.Value, at esc.Site) (id leaseID) {
	h := hmac.New(sha256.New, l.key())
	writeText(h, provider)
	writeText(h, at.Root)
	writeText(h, at.Current)
	writeValue(h, inputs)
	h.Sum(id[:0])
	return id
}

func (l *Leases) key() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.secret == nil {
		l.secret = make([]byte, sha256.Size)
		_, _ = rand.Read(l.secret) // never fails
	}
	return l.secret
}

// writeText and its like write so that no two values give the same bytes.
func writeText(w io.Writer, s string) {
	writeSize(w, 's', len(s))
	_, _ = io.WriteString(w, s)
}

func writeSize(w io.Writer, kind byte, n int) {
	var b [9]byte
	b[0] = kind
	binary.BigEndian.PutUint64(b[1:], uint64(n))
	_, _ = w.Write(b[:])
}

// writeValue writes all there is to know about v.
func writeValue(h io.Writer, v esc.Value) {
	if v.IsSecret() {
		writeSize(h, '!', 0)
	}
	switch raw := v.Reveal().(type) {
	case bool:
		writeSize(h, map[bool]byte{true: 't', false: 'f'}[raw], 0)
	case json.Number:
		writeSize(h, '#', 0)
		writeText(h, raw.String())
	case string:
		writeText(h, raw)
	case []esc.Value:
		writeSize(h, '[', len(raw))
		for _, e := range raw {
			writeValue(h, e)
		}
	case map[string]esc.Value:
		writeSize(h, '{', len(raw))
		for _, name := range v.Keys() {
			writeText(h, name)
			writeValue(h, raw[name])
		}
	default:
		writeSize(h, map[bool]byte{true: '?', false: '0'}[v.IsUnknown()], 0)
	}
}

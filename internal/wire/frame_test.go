package wire_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/wire"
)

func TestFrameComesBackAsItWent(t *testing.T) {
	for _, body := range []string{"x", "{}", strings.Repeat("y", 100_000), strings.Repeat("z", wire.MaxRequest)} {
		var w bytes.Buffer
		if err := wire.WriteFrame(&w, []byte(body), wire.MaxRequest); err != nil {
			t.Fatal(err)
		}
		got, err := wire.ReadFrame(&w, wire.MaxRequest)
		if err != nil || string(got) != body {
			t.Errorf("a body of %d bytes came back as %d, %v", len(body), len(got), err)
		}
	}
}

func TestWriteFrameRefusesWhatCannotBeRead(t *testing.T) {
	for _, size := range []int{0, wire.MaxRequest + 1} {
		var w bytes.Buffer
		err := wire.WriteFrame(&w, make([]byte, size), wire.MaxRequest)
		if !errors.Is(err, wire.ErrFrame) || w.Len() > 0 {
			t.Errorf("%d bytes: %v, and %d were written", size, err, w.Len())
		}
	}
}

// endless announces as much as a frame can and sends it for ever.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 0xff
	}
	e.read += len(p)
	return len(p), nil
}

func TestReadFrameRefusesALongFrameUnread(t *testing.T) {
	source := &endless{}
	_, err := wire.ReadFrame(source, wire.MaxReply)
	if !errors.Is(err, wire.ErrFrame) || source.read != 4 {
		t.Errorf("got %v after %d bytes", err, source.read)
	}
}

func TestReadFrameSetsAsideOnlyWhatArrives(t *testing.T) {
	announced := []byte{0x00, 0x80, 0x00, 0x00} // 8 MiB, and nothing follows
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		if _, err := wire.ReadFrame(bytes.NewReader(announced), wire.MaxReply); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / 100; each > 256<<10 {
		t.Errorf("a frame that never came cost %d bytes", each)
	}
}

func TestReadErrorsHoldNothingOfTheFrame(t *testing.T) {
	var w bytes.Buffer
	if err := wire.WriteFrame(&w, []byte(`{"v":"hunter2"}`), wire.MaxReply); err != nil {
		t.Fatal(err)
	}
	_, err := wire.ReadReply(&w)
	if !errors.Is(err, wire.ErrFrame) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

// FuzzFrame reads anything as a frame, a request and a reply. What can be read
// can be written, and reads the same again.
func FuzzFrame(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x0f" + `{"v":1,"op":""}`))
	f.Add([]byte("\x00\x00\x00\x1c" + `{"v":1,"error":{"kind":"x"}}`))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte("\x00\x00\x00\x02{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		body, err := wire.ReadFrame(bytes.NewReader(data), wire.MaxRequest)
		if err == nil && (len(body) == 0 || !bytes.HasPrefix(data[4:], body)) {
			t.Fatalf("%q was read as %q", data, body)
		}
		if req, err := wire.ReadRequest(bytes.NewReader(data)); err == nil {
			sameAgain(t, req, wire.WriteRequest, wire.ReadRequest)
		}
		if reply, err := wire.ReadReply(bytes.NewReader(data)); err == nil {
			reply.V = wire.Version
			sameAgain(t, reply, wire.WriteReply, wire.ReadReply)
			_, _ = openResult(reply.Result)
		}
	})
}

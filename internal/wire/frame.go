package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// headerSize is the length of a frame's header: the length of its body,
// big-endian.
const headerSize = 4

// firstRead is how much is set aside for a body before any of it arrived: what
// a peer announces costs nothing until it is sent.
const firstRead = 32 << 10

// ErrFrame marks frames that are empty, too long or not what they should hold.
var ErrFrame = errors.New("malformed frame")

// ReadFrame reads one frame and returns its body, which is at most limit bytes
// and not empty. A longer one is refused before anything is allocated for it.
// It returns io.EOF if r ends before a frame begins and io.ErrUnexpectedEOF if
// r ends inside one.
func ReadFrame(r io.Reader, limit int) ([]byte, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	size := int64(binary.BigEndian.Uint32(header[:]))
	if size == 0 || size > int64(limit) {
		return nil, fmt.Errorf("%w: %d bytes announced, 1 to %d allowed", ErrFrame, size, limit)
	}
	body := make([]byte, min(size, firstRead))
	for filled := 0; ; body = append(body, make([]byte, min(size-int64(filled), int64(filled)))...) {
		n, err := io.ReadFull(r, body[filled:])
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if filled += n; err != nil || int64(filled) == size {
			return body, err
		}
	}
}

// WriteFrame writes body as one frame, in one Write.
func WriteFrame(w io.Writer, body []byte, limit int) error {
	return send(w, append(newFrame(len(body)), body...), limit)
}

// newFrame returns a frame to which its body is to be appended, of about that size.
func newFrame(size int) []byte { return make([]byte, headerSize, headerSize+size) }

// send writes a frame that has its body.
func send(w io.Writer, frame []byte, limit int) error {
	size := len(frame) - headerSize
	if size == 0 || size > limit {
		return fmt.Errorf("%w: %d bytes to send, 1 to %d allowed", ErrFrame, size, limit)
	}
	binary.BigEndian.PutUint32(frame, uint32(size))
	_, err := w.Write(frame)
	return err
}

// decode reads JSON. What encoding/json says of bad input may quote it, and
// the input may hold secrets, so that is not passed on.
func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return errNotJSON
	}
	return nil
}

// errNotJSON is an ErrFrame. It is not made with fmt, which every run of escenv
// would have to do.
var errNotJSON error = notJSON{}

type notJSON struct{}

func (notJSON) Error() string { return ErrFrame.Error() + ": it does not hold the JSON it should" }
func (notJSON) Unwrap() error { return ErrFrame }

// ReadRequest reads the frame a caller sends. It checks neither version nor
// build: see Request.Check.
func ReadRequest(r io.Reader) (Request, error) {
	body, err := ReadFrame(r, MaxRequest)
	if err != nil {
		return Request{}, err
	}
	return decodeRequest(body)
}

// WriteRequest writes the frame a caller sends.
func WriteRequest(w io.Writer, req Request) error {
	return send(w, appendRequest(newFrame(usualSize-headerSize), req), MaxRequest)
}

// ReadReply reads one of the frames an agent answers with.
func ReadReply(r io.Reader) (Reply, error) {
	body, err := ReadFrame(r, MaxReply)
	if err != nil {
		return Reply{}, err
	}
	return decodeReply(body)
}

// WriteReply writes one of the frames an agent answers with.
func WriteReply(w io.Writer, reply Reply) error {
	reply.V = Version
	frame, err := appendReply(newFrame(len(reply.Result)+usualSize), reply)
	if err != nil {
		return err
	}
	return send(w, frame, MaxReply)
}

// DecodeArgs reads a request's arguments. No arguments are the zero T.
func DecodeArgs[T any](args json.RawMessage) (T, error) {
	var into T
	if len(args) == 0 {
		return into, nil
	}
	var err error
	if open, ok := any(&into).(*OpenArgs); ok {
		err = decodeOpenArgs(args, open)
	} else {
		err = decode(args, &into)
	}
	return into, err
}

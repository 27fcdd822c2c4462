package sigv4

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // S3 offers it as a checksum
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// What x-amz-content-sha256 may say besides a hash.
const (
	Unsigned        = "UNSIGNED-PAYLOAD"
	UnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// What can be wrong with a body.
var (
	ErrTooLarge    = errors.New("the body is too large")
	ErrHash        = errors.New("the body is not what x-amz-content-sha256 says")
	ErrIncomplete  = errors.New("the body does not end where it says")
	ErrChecksum    = errors.New("the body does not match its trailing checksum")
	ErrUnsupported = errors.New("this kind of streaming is not supported")
)

// ReadBody reads the body of r, at most limit bytes of it, takes it out of its
// aws-chunked form, checks it against declared (the value of
// x-amz-content-sha256) and puts the plain body back into r.
func ReadBody(r *http.Request, declared string, limit int64) error {
	body, err := readAll(r.Body, limit)
	if err != nil {
		return err
	}
	switch {
	case declared == UnsignedTrailer:
		body, err = unchunk(body, r.Header)
	case strings.HasPrefix(declared, "STREAMING-"):
		err = ErrUnsupported
	case declared != Unsigned && declared != Hash(body):
		err = ErrHash
	}
	if err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

func readAll(from io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err != nil {
		return nil, ErrIncomplete
	}
	if int64(len(body)) > limit {
		return nil, ErrTooLarge
	}
	return body, nil
}

// unchunk decodes aws-chunked: SIZE in hex, the bytes, ... 0, and trailing
// headers, one of which may be a checksum of the whole.
func unchunk(body []byte, header http.Header) ([]byte, error) {
	in := bufio.NewReader(bytes.NewReader(body))
	var plain bytes.Buffer
	for {
		size, err := chunkSize(in)
		if err != nil {
			return nil, err
		}
		if size == 0 {
			break
		}
		if _, err := io.CopyN(&plain, in, size); err != nil {
			return nil, ErrIncomplete
		}
		if line, err := in.ReadString('\n'); err != nil || line != "\r\n" {
			return nil, ErrIncomplete
		}
	}
	if declared := header.Get("X-Amz-Decoded-Content-Length"); declared != strconv.Itoa(plain.Len()) {
		return nil, ErrIncomplete
	}
	forgetChunks(header)
	return plain.Bytes(), checkTrailer(in, header, plain.Bytes())
}

// forgetChunks removes what no longer describes the body.
func forgetChunks(header http.Header) {
	header.Del("X-Amz-Decoded-Content-Length")
	header.Del("X-Amz-Content-Sha256")
	rest := strings.TrimPrefix(strings.TrimPrefix(header.Get("Content-Encoding"), "aws-chunked"), ",")
	if rest == "" {
		header.Del("Content-Encoding")
	} else {
		header.Set("Content-Encoding", rest)
	}
}

func chunkSize(in *bufio.Reader) (int64, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return 0, ErrIncomplete
	}
	text, _, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), ";")
	size, err := strconv.ParseInt(text, 16, 64)
	if err != nil || size < 0 {
		return 0, ErrIncomplete
	}
	return size, nil
}

// checkTrailer holds body against the checksum that X-Amz-Trailer announced.
func checkTrailer(in *bufio.Reader, header http.Header, body []byte) error {
	announced := strings.ToLower(header.Get("X-Amz-Trailer"))
	if announced == "" {
		return nil
	}
	header.Del("X-Amz-Trailer")
	line, _ := in.ReadString('\n')
	name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
	sum := newChecksum(announced)
	if sum == nil || !strings.EqualFold(name, announced) {
		return fmt.Errorf("%w: %q", ErrChecksum, announced)
	}
	sum.Write(body)
	if base64.StdEncoding.EncodeToString(sum.Sum(nil)) != strings.TrimSpace(value) {
		return ErrChecksum
	}
	return nil
}

func newChecksum(header string) hash.Hash {
	const nvme = 0x9a6c9329ac4bc9b5 // the polynomial of CRC-64/NVME, reversed
	switch header {
	case "x-amz-checksum-crc32":
		return crc32.NewIEEE()
	case "x-amz-checksum-crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "x-amz-checksum-crc64nvme":
		return crc64.New(crc64.MakeTable(nvme))
	case "x-amz-checksum-sha1":
		return sha1.New() //nolint:gosec // as above
	case "x-amz-checksum-sha256":
		return sha256.New()
	}
	return nil
}

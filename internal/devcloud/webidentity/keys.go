package webidentity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // RS256, ES256
	_ "crypto/sha512" // and the longer ones
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// algorithm is how one of the JWS algorithms that STS takes works.
type algorithm struct {
	hash  crypto.Hash
	curve elliptic.Curve // nil for RSA
}

// algorithms are those STS takes. A read-only table.
var algorithms = map[string]algorithm{
	"RS256": {hash: crypto.SHA256}, "RS384": {hash: crypto.SHA384}, "RS512": {hash: crypto.SHA512},
	"ES256": {crypto.SHA256, elliptic.P256()}, "ES384": {crypto.SHA384, elliptic.P384()}, "ES512": {crypto.SHA512, elliptic.P521()},
}

// maxKeys is how many keys of a kind an issuer may publish.
const maxKeys = 100

// A Key is one of an issuer's published keys.
type Key struct {
	ID        string
	Algorithm string
	public    crypto.PublicKey // *rsa.PublicKey or *ecdsa.PublicKey
}

type jwk struct {
	Type      string `json:"kty"`
	Use       string `json:"use"`
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	N         string `json:"n"`
	E         string `json:"e"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
}

// ParseKeys reads a JWKS document. Keys for other uses or algorithms are left
// out; a document without any that can be used is an error.
func ParseKeys(text []byte) ([]Key, error) {
	var doc struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("the key set is not valid: %w", err)
	}
	var keys []Key
	kinds := map[string]int{}
	for _, k := range doc.Keys {
		if kinds[k.Type]++; kinds[k.Type] > maxKeys {
			return nil, fmt.Errorf("the key set has more than %d %s keys", maxKeys, k.Type)
		}
		if public, err := k.public(); err == nil {
			keys = append(keys, Key{k.ID, k.Algorithm, public})
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the key set has no key that can be used")
	}
	return keys, nil
}

func (k jwk) public() (crypto.PublicKey, error) {
	alg, ok := algorithms[k.Algorithm]
	switch {
	case !ok, k.ID == "", k.Use != "sig":
		return nil, errors.New("the key is not for signatures that are taken here")
	case k.Type == "RSA" && alg.curve == nil:
		return k.rsa()
	case k.Type == "EC" && alg.curve != nil && k.Curve == alg.curve.Params().Name:
		return k.ecdsa(alg.curve)
	}
	return nil, errors.New("the key does not fit its algorithm")
}

func (k jwk) rsa() (crypto.PublicKey, error) {
	n, err := number(k.N, 2048) // 16384 bits
	if err != nil {
		return nil, err
	}
	e, err := number(k.E, 4)
	if err != nil || e.Int64() < 3 || n.BitLen() < 2048 {
		return nil, errors.New("the RSA key is too weak or not valid")
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

func (k jwk) ecdsa(curve elliptic.Curve) (crypto.PublicKey, error) {
	size := (curve.Params().BitSize + 7) / 8
	x, err := number(k.X, size)
	if err != nil {
		return nil, err
	}
	y, err := number(k.Y, size)
	if err != nil {
		return nil, err
	}
	point := append([]byte{4}, append(x.FillBytes(make([]byte, size)), y.FillBytes(make([]byte, size))...)...)
	return ecdsa.ParseUncompressedPublicKey(curve, point)
}

func number(text string, maxBytes int) (*big.Int, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) == 0 || len(b) > maxBytes {
		return nil, errors.New("the key has a number that is not valid")
	}
	return new(big.Int).SetBytes(b), nil
}

// Verify checks the token's signature by the key.
func (t *Token) Verify(key Key) error {
	alg := algorithms[t.algorithm]
	if key.Algorithm != t.algorithm || key.ID != t.keyID {
		return invalid("The token's alg or kid is not its key's")
	}
	h := alg.hash.New()
	h.Write([]byte(t.input))
	digest := h.Sum(nil)
	ok := false
	switch public := key.public.(type) {
	case *rsa.PublicKey:
		ok = rsa.VerifyPKCS1v15(public, alg.hash, digest, t.signature) == nil
	case *ecdsa.PublicKey:
		ok = t.verifyECDSA(public, digest)
	}
	if !ok {
		return invalid("The token's signature could not be verified")
	}
	return nil
}

// verifyECDSA takes the two halves of a JWS signature, each as long as the
// curve's order.
func (t *Token) verifyECDSA(public *ecdsa.PublicKey, digest []byte) bool {
	size := (public.Params().BitSize + 7) / 8
	if len(t.signature) != 2*size {
		return false
	}
	r, s := new(big.Int).SetBytes(t.signature[:size]), new(big.Int).SetBytes(t.signature[size:])
	return ecdsa.Verify(public, digest, r, s)
}

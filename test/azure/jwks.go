// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

var errNoKey = errors.New("no key of that id")

// webKey is a public key as JSON.
type webKey struct {
	ID    string `json:"kid"`
	Type  string `json:"kty"`
	Curve string `json:"crv"`
	N     string `json:"n"`
	E     string `json:"e"`
	X     string `json:"x"`
	Y     string `json:"y"`
}

// publicKey returns the key of an id in a JSON Web Key Set.
func publicKey(jwks []byte, id string) (any, error) {
	var set struct {
		Keys []webKey `json:"keys"`
	}
	if err := json.Unmarshal(jwks, &set); err != nil {
		return nil, fmt.Errorf("reading the issuer's keys: %w", err)
	}
	for _, k := range set.Keys {
		if k.ID == id {
			return k.public()
		}
	}
	return nil, errNoKey
}

func (k webKey) public() (any, error) {
	switch k.Type {
	case "RSA":
		n, e, err := numbers(k.N, k.E)
		if err != nil {
			return nil, err
		}
		return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
	case "EC":
		if k.Curve != elliptic.P256().Params().Name {
			return nil, fmt.Errorf("curve %s is not supported", k.Curve)
		}
		x, y, err := numbers(k.X, k.Y)
		if err != nil {
			return nil, err
		}
		const size = 32
		if len(x.Bytes()) > size || len(y.Bytes()) > size {
			return nil, errors.New("the point is not on the curve")
		}
		point := append([]byte{4}, x.FillBytes(make([]byte, size))...)
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(point, y.FillBytes(make([]byte, size))...))
	}
	return nil, fmt.Errorf("keys of type %s are not supported", k.Type)
}

func numbers(a, b string) (*big.Int, *big.Int, error) {
	first, err := base64.RawURLEncoding.DecodeString(a)
	if err != nil {
		return nil, nil, err
	}
	second, err := base64.RawURLEncoding.DecodeString(b)
	if err != nil {
		return nil, nil, err
	}
	return new(big.Int).SetBytes(first), new(big.Int).SetBytes(second), nil
}

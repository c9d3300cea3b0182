// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

const (
	certificateBlock = "CERTIFICATE"
	keyBlock         = "PRIVATE KEY"
)

// encodeCertificates returns the certificates as one PEM text, in their order.
func encodeCertificates(certs ...*x509.Certificate) []byte {
	var text []byte
	for _, cert := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: cert.Raw})...)
	}
	return text
}

func encodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding an authority's key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}), nil
}

// decodeCertificates reads all certificates of a PEM text, up to what is none.
func decodeCertificates(text []byte) ([]*x509.Certificate, error) {
	return decode(text, certificateBlock, x509.ParseCertificate)
}

// decodeKeys reads all keys of a PEM text, up to what is none.
func decodeKeys(text []byte) ([]crypto.Signer, error) {
	return decode(text, keyBlock, func(der []byte) (crypto.Signer, error) {
		key, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, err
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return nil, errors.New("the key cannot sign")
		}
		return signer, nil
	})
}

// decode never quotes what it read: it may be a key.
func decode[T any](text []byte, kind string, parse func([]byte) (T, error)) ([]T, error) {
	var all []T
	for len(bytes.TrimSpace(text)) > 0 {
		block, rest := pem.Decode(text)
		if block == nil || block.Type != kind {
			return all, fmt.Errorf("no PEM block of type %q where one is expected", kind)
		}
		one, err := parse(block.Bytes)
		if err != nil {
			return all, fmt.Errorf("a PEM block of type %q is unreadable", kind)
		}
		all, text = append(all, one), rest
	}
	return all, nil
}

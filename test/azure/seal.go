// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
)

// sealer makes words that only the cloud can read, and nobody can make up.
type sealer struct{ aead cipher.AEAD }

func newSealer() (sealer, error) {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return sealer{}, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead}, err
}

// seal returns the word for a text. The same purpose opens it.
func (s sealer) seal(purpose, text string) string {
	return base64.URLEncoding.EncodeToString(s.aead.Seal(nil, nil, []byte(text), []byte(purpose)))
}

func (s sealer) open(purpose, word string) (string, error) {
	sealed, err := base64.URLEncoding.DecodeString(word)
	if err != nil {
		return "", errors.New("not base64")
	}
	text, err := s.aead.Open(nil, nil, sealed, []byte(purpose))
	return string(text), err
}

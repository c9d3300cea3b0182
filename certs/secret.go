// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Annotations of the Secret.
const (
	// RotateAnnotation asks for a new authority, whatever its value. It is
	// removed when the new authority is there.
	RotateAnnotation = "serviceconnector.dev/rotate"
	// ReplacedAtAnnotation says when the last earlier authority was replaced,
	// in RFC 3339. Earlier authorities stay trusted for a while after it.
	ReplacedAtAnnotation = "serviceconnector.dev/replaced-at"
)

const (
	managedByLabel = "app.kubernetes.io/managed-by"
	managedBy      = "service-connector"
)

// Keys of the Secret.
const (
	bundleKey        = corev1.ServiceAccountRootCAKey // ca.crt
	previousCertsKey = "previous.crt"
	previousKeysKey  = "previous.key"
)

// readRing reads what a Secret holds. Where the current authority is unusable
// the ring is empty; where an earlier one is, it is left out. Either way the
// error says what is wrong, and the ring is still good.
func readRing(secret *corev1.Secret) (ring, error) {
	if secret == nil {
		return ring{}, nil
	}
	current, err := readCurrent(secret.Data)
	if err != nil {
		return ring{}, err
	}
	previous, err := readPrevious(secret.Data)
	// Unreadable counts as never: the time starts anew.
	replaced, _ := time.Parse(time.RFC3339, secret.Annotations[ReplacedAtAnnotation])
	return ring{append([]authority{current}, previous...), replaced}, err
}

func readCurrent(data map[string][]byte) (authority, error) {
	certs, err := decodeCertificates(data[corev1.TLSCertKey])
	if err == nil && len(certs) != 1 {
		err = fmt.Errorf("%d certificates where one is expected", len(certs))
	}
	if err != nil {
		return authority{}, fmt.Errorf("%s: %w", corev1.TLSCertKey, err)
	}
	keys, err := decodeKeys(data[corev1.TLSPrivateKeyKey])
	if err == nil && len(keys) != 1 {
		err = fmt.Errorf("%d keys where one is expected", len(keys))
	}
	if err != nil {
		return authority{}, fmt.Errorf("%s: %w", corev1.TLSPrivateKeyKey, err)
	}
	if !certs[0].IsCA {
		return authority{}, fmt.Errorf("%s: not the certificate of an authority", corev1.TLSCertKey)
	}
	a := authority{certs[0], keyOf(certs[0], keys)}
	if a.key == nil {
		return authority{}, fmt.Errorf("%s does not belong to %s", corev1.TLSPrivateKeyKey, corev1.TLSCertKey)
	}
	return a, nil
}

func readPrevious(data map[string][]byte) ([]authority, error) {
	certs, badCert := decodeCertificates(data[previousCertsKey])
	if badCert != nil {
		badCert = fmt.Errorf("%s: %w", previousCertsKey, badCert)
	}
	keys, badKey := decodeKeys(data[previousKeysKey])
	if badKey != nil {
		badKey = fmt.Errorf("%s: %w", previousKeysKey, badKey)
	}
	var previous []authority
	for _, cert := range certs {
		previous = append(previous, authority{cert, keyOf(cert, keys)})
	}
	return previous, errors.Join(badCert, badKey)
}

// keyOf returns the key that belongs to a certificate, nil for none.
func keyOf(cert *x509.Certificate, keys []crypto.Signer) crypto.Signer {
	i := slices.IndexFunc(keys, func(key crypto.Signer) bool {
		public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
		return ok && public.Equal(cert.PublicKey)
	})
	if i < 0 {
		return nil
	}
	return keys[i]
}

// writeRing returns the Secret that holds the ring, and nothing else of ours.
func writeRing(r ring, into *corev1.Secret) (*corev1.Secret, error) {
	secret := into.DeepCopy()
	data, err := encodeRing(r)
	if err != nil {
		return nil, err
	}
	secret.Data = data
	metav1.SetMetaDataLabel(&secret.ObjectMeta, managedByLabel, managedBy)
	delete(secret.Annotations, ReplacedAtAnnotation)
	if len(r.authorities) > 1 {
		metav1.SetMetaDataAnnotation(&secret.ObjectMeta, ReplacedAtAnnotation, r.replaced.UTC().Format(time.RFC3339))
	}
	return secret, nil
}

func encodeRing(r ring) (map[string][]byte, error) {
	var currentKey, previousKeys []byte
	for i, a := range r.authorities {
		if a.key == nil {
			continue
		}
		key, err := encodeKey(a.key)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			currentKey = key
			continue
		}
		previousKeys = append(previousKeys, key...)
	}
	data := map[string][]byte{
		corev1.TLSCertKey:       encodeCertificates(r.current().cert),
		corev1.TLSPrivateKeyKey: currentKey,
		bundleKey:               r.bundle(),
	}
	if len(r.authorities) > 1 {
		data[previousCertsKey] = encodeCertificates(r.certificates()[1:]...)
	}
	if len(previousKeys) > 0 {
		data[previousKeysKey] = previousKeys
	}
	return data, nil
}

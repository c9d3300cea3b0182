// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/test/product"
)

// account is the webhook's service account.
const account = "service-connector"

// keys are what the API server signs service accounts' tokens with.
func (w *World) keys(ctx context.Context, _ string) ([]byte, error) {
	return w.clients.CoreV1().RESTClient().Get().AbsPath("/openid/v1/jwks").DoRaw(ctx)
}

// project writes a token of the webhook's service account into a file, as the kubelet
// does, and returns the issuer.
func (w *World) project(ctx context.Context) (issuer string, err error) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: product.Namespace}}
	if _, err := w.clients.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return "", err
	}
	accounts := w.clients.CoreV1().ServiceAccounts(product.Namespace)
	if _, err := accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: account}}, metav1.CreateOptions{}); err != nil {
		return "", err
	}
	request, err := accounts.CreateToken(ctx, account, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: []string{Audience}, ExpirationSeconds: new(int64(3600))},
	}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	if issuer, err = issuerOf(request.Status.Token); err != nil {
		return "", err
	}
	return issuer, os.WriteFile(w.token, []byte(request.Status.Token), 0o600)
}

// issuerOf reads who issued a token.
func issuerOf(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("a token has three parts")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", err
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	return claims.Issuer, json.Unmarshal(raw, &claims)
}

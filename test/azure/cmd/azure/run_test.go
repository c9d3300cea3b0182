// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"serviceconnector.dev/test/azure"
)

const tenant = "11111111-1111-4111-8111-111111111111"

func TestCommandLine(t *testing.T) {
	for name, test := range map[string]struct {
		args string
		want error
		text string
	}{
		"help":            {"--help", flag.ErrHelp, "Usage:"},
		"example":         {"--example", nil, "identities:"},
		"a wrong flag":    {"--wrong", errUsage, ""},
		"an argument":     {"up", errUsage, ""},
		"two sets":        {"--jwks a --jwks-url b", errUsage, ""},
		"a CA alone":      {"--ca a", errUsage, ""},
		"a seed not read": {"--seed nowhere", os.ErrNotExist, ""},
		"a set not read":  {"--jwks nowhere", os.ErrNotExist, ""},
		"a CA not read":   {"--jwks-url https://x --ca nowhere", os.ErrNotExist, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := run(t.Context(), strings.Fields(test.args), &out, io.Discard)
			if !errors.Is(err, test.want) || !strings.Contains(out.String(), test.text) {
				t.Errorf("got %v, %q", err, out.String())
			}
		})
	}
}

func TestUsageNamesAllFlags(t *testing.T) {
	for _, name := range []string{"listen", "tenant", "seed", "example", "write-ca", "token-lifetime", "jwks", "jwks-url", "ca"} {
		if !strings.Contains(usage, "  --"+name+" ") {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestExampleCanBeRead(t *testing.T) {
	if seed, err := azure.ReadSeed([]byte(example)); err != nil || len(seed.Clusters[0].Linkers) != 2 {
		t.Errorf("got %+v, %v", seed, err)
	}
}

// The example's identity gets a token for an assertion, with either source of
// keys.
func TestAssertion(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	set := fmt.Sprintf(`{"keys":[{"kid":"k","kty":"RSA","e":"AQAB","n":%q}]}`, base64.RawURLEncoding.EncodeToString(key.N.Bytes()))
	issuer := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, set) }))
	defer issuer.Close()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.Certificate().Raw}))
	for name, source := range map[string][]string{
		"a file": {"--jwks", file("jwks.json", set)},
		"a URL":  {"--jwks-url", issuer.URL, "--ca", file("issuer.pem", ca)},
	} {
		t.Run(name, func(t *testing.T) {
			trusted := filepath.Join(t.TempDir(), "ca.pem")
			at := start(t, append(source, "--seed", file("seed.yaml", example), "--write-ca", trusted))
			client, err := trusting(trusted)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.PostForm(at+"/"+tenant+"/oauth2/v2.0/token", url.Values{
				"grant_type": {"client_credentials"}, "client_id": {"33333333-3333-4333-8333-333333333333"},
				"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
				"client_assertion":      {assertion(t, key)}, "scope": {"https://management.azure.com/.default"},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			var got map[string]any
			if err := json.NewDecoder(response.Body).Decode(&got); err != nil || got["access_token"] == nil {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func assertion(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": "https://kubernetes.default.svc", "sub": "system:serviceaccount:sc-system:service-connector",
		"aud": "api://AzureADTokenExchange", "exp": time.Now().Add(time.Hour).Unix(),
	})
	token.Header["kid"] = "k"
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// start runs the command until the test ends, and returns the URL it prints.
func start(t *testing.T, args []string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, args, writer, io.Discard)
		_ = writer.CloseWithError(err)
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

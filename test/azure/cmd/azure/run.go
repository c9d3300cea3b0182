// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"serviceconnector.dev/test/azure"
)

const usage = `azure stands in for one Azure cloud on this machine: Entra ID and Azure Resource
Manager, over TLS, with the identities, clusters and connections of a file. It
needs no account and keeps nothing.

Usage:

  azure [flags]

Try it, with a cluster that runs (see "cluster --help"):

  $ go run ./azure/cmd/azure --example > seed.yaml
  $ kubectl get --raw /openid/v1/jwks > jwks.json
  $ go run ./azure/cmd/azure --seed seed.yaml --jwks jwks.json --write-ca ca.pem

It prints its URL, which is the authority host and the endpoint of Resource
Manager, both. Clients trust the file that --write-ca names. Get a token:

  $ curl --cacert ca.pem "$URL/$TENANT/oauth2/v2.0/token" \
      -d grant_type=client_credentials -d client_id="$CLIENT" \
      -d client_secret="$SECRET" -d scope=https://management.azure.com/.default

Flags:

  --listen HOST:PORT  where to listen (default: any port on 127.0.0.1)
  --tenant ID         the only tenant (default: 11111111-1111-4111-8111-111111111111)
  --seed FILE         what there is, in YAML or JSON (default: nothing)
  --example           print a seed to begin with, and end
  --write-ca FILE     where to write the authority of its certificate
                      (default: azure-ca.pem)
  --token-lifetime D  how long access tokens are good (default: 1h)

Federated assertions are verified with the keys of a cluster, which may be named
as either of:

  --jwks FILE         a JSON Web Key Set, read again for each assertion
  --jwks-url URL      where to get it for each assertion
  --ca FILE           whom to trust for --jwks-url (default: the system's)
`

// errUsage says that the command line is wrong.
var errUsage = errors.New("see azure --help")

//go:embed example.yaml
var example string

// settings are the flags.
type settings struct {
	options               azure.Options
	seed, writeCA         string
	jwks, jwksURL, jwksCA string
	example               bool
}

// run is the program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if s.example {
		_, err := io.WriteString(stdout, example)
		return err
	}
	seed, err := s.readSeed()
	if err != nil {
		return err
	}
	if s.options.Keys, err = s.keys(); err != nil {
		return err
	}
	cloud, err := azure.Start(s.options)
	if err != nil {
		return err
	}
	defer cloud.Stop()
	cloud.Add(seed)
	if err := os.WriteFile(s.writeCA, cloud.CA, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "the stand-in for Azure runs, its CA is in %s; Ctrl-C ends it\n", s.writeCA)
	fmt.Fprintln(stdout, cloud.URL)
	<-ctx.Done()
	return nil
}

// parse parses the command line and checks what it says.
func parse(args []string, stdout io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("azure", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&s.options.Listen, "listen", "127.0.0.1:0", "")
	flags.StringVar(&s.options.TenantID, "tenant", "11111111-1111-4111-8111-111111111111", "")
	flags.DurationVar(&s.options.TokenLifetime, "token-lifetime", time.Hour, "")
	flags.StringVar(&s.seed, "seed", "", "")
	flags.BoolVar(&s.example, "example", false, "")
	flags.StringVar(&s.writeCA, "write-ca", "azure-ca.pem", "")
	flags.StringVar(&s.jwks, "jwks", "", "")
	flags.StringVar(&s.jwksURL, "jwks-url", "", "")
	flags.StringVar(&s.jwksCA, "ca", "", "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, usage)
		return s, err
	case err != nil:
		return s, fmt.Errorf("%w: %w", err, errUsage)
	case flags.NArg() > 0:
		return s, fmt.Errorf("it takes flags only, not %q: %w", flags.Arg(0), errUsage)
	case s.jwks != "" && s.jwksURL != "":
		return s, fmt.Errorf("--jwks and --jwks-url name the same thing; use one: %w", errUsage)
	case s.jwksCA != "" && s.jwksURL == "":
		return s, fmt.Errorf("--ca is for --jwks-url, which is missing: %w", errUsage)
	}
	return s, nil
}

func (s settings) readSeed() (azure.Seed, error) {
	if s.seed == "" {
		return azure.Seed{}, nil
	}
	raw, err := os.ReadFile(s.seed)
	if err != nil {
		return azure.Seed{}, err
	}
	return azure.ReadSeed(raw)
}

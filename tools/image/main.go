// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Command image builds the container image of the webhook from source, without
// Docker, a registry or a base image: the static binary, a user that is not root,
// and nothing else.
//
//	go run . -source ../.. -out ../../dist -image service-connector/webhook -version v1.2.3
//
// It writes into the folder out:
//
//	oci/                        an OCI image layout: one index of all platforms,
//	                            and each platform's SBOM as its referrer
//	webhook-OS-ARCH.tar         a docker-archive, for ctr images import and the like
//	webhook-OS-ARCH.cdx.json    the SBOM, CycloneDX
//
// The same source, version, revision and date give the same digests, on any
// machine with the same Go. (ko was weighed: it starts from a base image, which
// it takes from a registry.)
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	source, out, image, version, revision string
	created                               time.Time
	platforms                             []string
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(ctx, args, stderr)
	if err != nil {
		return err
	}
	built, err := build(ctx, s, stderr)
	if err != nil {
		return err
	}
	digest, err := write(s, built)
	if err != nil {
		return fmt.Errorf("writing to %s: %w", s.out, err)
	}
	_, err = fmt.Fprintf(stdout, "%s:%s@%s\n", s.image, s.version, digest)
	return err
}

func parse(ctx context.Context, args []string, stderr io.Writer) (settings, error) {
	var s settings
	var created, platforms string
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.source, "source", ".", "`folder` of the product's module")
	flags.StringVar(&s.out, "out", "dist", "`folder` to write to")
	flags.StringVar(&s.image, "image", "service-connector/webhook", "the image's `name`, without a tag")
	flags.StringVar(&s.version, "version", "dev", "the `version`: the image's tag, and what webhook version prints")
	flags.StringVar(&s.revision, "revision", "", "the source's `commit`; without it git is asked")
	flags.StringVar(&created, "created", os.Getenv("SOURCE_DATE_EPOCH"), "the image's date, in `seconds` since 1970; without it the commit's")
	flags.StringVar(&platforms, "platforms", "linux/amd64,linux/arm64", "`platforms` to build for, separated by commas")
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("unknown argument %q; see -help", flags.Arg(0))
	}
	s.platforms = strings.Split(platforms, ",")
	var err error
	if s.revision == "" {
		if s.revision, err = git(ctx, s.source, "-revision", "rev-parse", "HEAD"); err != nil {
			return settings{}, err
		}
	}
	if created == "" {
		if created, err = git(ctx, s.source, "-created", "log", "-1", "--format=%ct"); err != nil {
			return settings{}, err
		}
	}
	seconds, err := strconv.ParseInt(created, 10, 64)
	if err != nil {
		return settings{}, fmt.Errorf("-created %q is no number of seconds", created)
	}
	s.created = time.Unix(seconds, 0).UTC()
	return s, nil
}

// git asks about the source. Where it is in no repository, the error names the
// flag that tells instead.
func git(ctx context.Context, source, instead string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", append([]string{"-C", source}, args...)...).Output()
	if err != nil {
		return "", fmt.Errorf("asking git about %s: %w; give %s where the source is in no repository", source, err, instead)
	}
	return strings.TrimSpace(string(out)), nil
}

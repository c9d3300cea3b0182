// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
)

// mount is one line of the kernel's list of mounts.
type mount struct {
	target string
	kind   string
}

// readMounts returns this process's mounts, later ones after those that they lie
// on.
func readMounts() ([]mount, error) {
	raw, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("reading the mounts: %w", err)
	}
	return parseMounts(string(raw)), nil
}

// unescape undoes what the kernel does to blanks in paths.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

func parseMounts(text string) []mount {
	var mounts []mount
	for line := range strings.Lines(text) {
		before, after, found := strings.Cut(line, " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		const target = 4
		if !found || len(fields) <= target || len(kind) == 0 {
			continue
		}
		mounts = append(mounts, mount{target: unescape.Replace(fields[target]), kind: kind[0]})
	}
	return mounts
}

// mountsBelow returns the mounts in a folder, those that lie on others first.
func mountsBelow(dir string) ([]string, error) {
	mounts, err := readMounts()
	if err != nil {
		return nil, err
	}
	var targets []string
	for _, m := range slices.Backward(mounts) {
		if strings.HasPrefix(m.target, dir+"/") {
			targets = append(targets, m.target)
		}
	}
	return targets, nil
}

// unmountAll unmounts what is mounted in a folder. A mount is busy for a moment
// after the process that used it was killed.
func unmountAll(ctx context.Context, dir string) error {
	return await(ctx, "mounts to be free", func(ctx context.Context) error {
		targets, err := mountsBelow(dir)
		if err != nil {
			return err
		}
		for _, target := range targets {
			if _, err := output(ctx, "umount", target); err != nil {
				return err
			}
		}
		return nil
	})
}

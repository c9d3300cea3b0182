// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package databases

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"serviceconnector.dev/test/debian"
)

// A database's package, and the user that it makes, by which it is known.
const (
	postgresUser, postgresPackage = "postgres", "postgresql"
	redisUser, redisPackage       = "redis", "redis-server"
)

// Requirements returns nil if this machine can run the databases. Otherwise it
// says in one line what is missing and how to get it.
func Requirements() error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return errors.New("the databases need Linux and root; run the test there with sudo")
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		return fmt.Errorf("the databases need setpriv; install util-linux: %w", err)
	}
	if packages := missing(); len(packages) > 0 {
		list := strings.Join(packages, " ")
		return fmt.Errorf("the databases need %s; install it, on Debian with: apt-get install %s", list, list)
	}
	return nil
}

// Install installs on Debian what Requirements misses. It shows the progress on
// out.
func Install(ctx context.Context, out io.Writer) error {
	return debian.Install(ctx, out, missing())
}

// missing returns the packages that are not installed.
func missing() []string {
	var packages []string
	if _, err := postgresPrograms(); err != nil || !exists(postgresUser) {
		packages = append(packages, postgresPackage)
	}
	if _, err := exec.LookPath(redisProgram); err != nil || !exists(redisUser) {
		packages = append(packages, redisPackage)
	}
	return packages
}

func exists(name string) bool {
	_, err := user.Lookup(name)
	return err == nil
}

// postgresPrograms returns the folder with PostgreSQL's programs. Debian keeps
// one for each version, and out of PATH.
func postgresPrograms() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", errors.New("there is no PostgreSQL in /usr/lib/postgresql")
	}
	return filepath.Dir(slices.Max(found)), nil
}

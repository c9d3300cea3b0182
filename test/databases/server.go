// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package databases

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"

	"serviceconnector.dev/test/cluster"
)

// Server is a running database, and what it takes to use it.
type Server struct {
	Host     string
	Port     int
	User     string
	Password string
	// Database is a name, and for Redis a number.
	Database string

	// Program stops, kills and starts the server. Redis forgets all by it.
	Program *cluster.Program
}

// address returns host:port.
func (s *Server) address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// newServer returns a server to be, with a port and a password.
func newServer(host string) (*Server, error) {
	ports, err := cluster.FreePorts(1)
	if err != nil {
		return nil, err
	}
	return &Server{Host: host, Port: ports[0], Password: password()}, nil
}

// password returns a random one that goes nowhere unquoted.
func password() string { return rand.Text() + ` p@ss:w/o?r#d%20'"\+&=` }

// as returns the command line that runs another as an unprivileged user. The
// kernel forgets with the user that the process ends with its parent; setpriv
// tells it again.
func as(name, path string, args ...string) []string {
	line := []string{"--reuid=" + name, "--regid=" + name, "--init-groups", "--pdeathsig=KILL", "--", path}
	return append(line, args...)
}

// run runs a server's program beside the cluster until it is ready.
func run(ctx context.Context, c *cluster.Cluster, name string, line []string, ready func(context.Context) error) (*cluster.Program, error) {
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		return nil, err
	}
	return c.Run(ctx, cluster.ProgramSpec{Name: name, Path: setpriv, Args: line, Ready: ready})
}

// makeHome makes a user's folder in the cluster's folder.
func makeHome(c *cluster.Cluster, name string) (string, error) {
	if err := os.Chmod(c.Dir, 0o711); err != nil {
		return "", err
	}
	dir := filepath.Join(c.Dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	return dir, give(dir, name)
}

// writeFor writes a file that a user alone can read.
func writeFor(name, path, content string) error {
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	return give(path, name)
}

// give makes a user the owner.
func give(path, name string) error {
	found, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(found.Uid)
	if err != nil {
		return fmt.Errorf("user %s: %w", name, err)
	}
	gid, err := strconv.Atoi(found.Gid)
	if err != nil {
		return fmt.Errorf("user %s: %w", name, err)
	}
	return os.Chown(path, uid, gid)
}

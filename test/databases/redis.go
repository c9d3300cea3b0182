// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package databases

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/redis/go-redis/v9"

	"serviceconnector.dev/test/cluster"
)

const redisProgram = "redis-server"

// StartRedis starts Redis on an address of this machine. Its user is Redis's
// own, default, which needs the password.
func StartRedis(ctx context.Context, c *cluster.Cluster, host string) (*Server, error) {
	s, err := startRedis(ctx, c, host)
	if err != nil {
		return nil, fmt.Errorf("starting Redis: %w", err)
	}
	return s, nil
}

func startRedis(ctx context.Context, c *cluster.Cluster, host string) (*Server, error) {
	program, err := exec.LookPath(redisProgram)
	if err != nil {
		return nil, err
	}
	s, err := newServer(host)
	if err != nil {
		return nil, err
	}
	s.User, s.Database = "default", "0"
	home, err := makeHome(c, redisUser)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(home, "redis.conf")
	if err := writeFor(redisUser, file, s.redisConfig(home)); err != nil {
		return nil, err
	}
	s.Program, err = run(ctx, c, "redis", as(redisUser, program, file), s.ping)
	return s, err
}

// redisConfig returns the configuration: nothing is written to disk.
func (s *Server) redisConfig(dir string) string {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s.Password)
	return fmt.Sprintf("bind %s\nport %d\nrequirepass \"%s\"\ndir %s\nsave \"\"\nappendonly no\n", s.Host, s.Port, quoted, dir)
}

func (s *Server) ping(ctx context.Context) error {
	client := redis.NewClient(&redis.Options{Addr: s.address(), Username: s.User, Password: s.Password})
	defer func() { _ = client.Close() }()
	return client.Ping(ctx).Err()
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package databases

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"serviceconnector.dev/test/cluster"
)

const (
	postgresAdmin = "postgres"
	postgresApp   = "app"
	postgresDB    = "orders"
)

// StartPostgres starts PostgreSQL on an address of this machine, and makes a user
// and a database that is theirs.
func StartPostgres(ctx context.Context, c *cluster.Cluster, host string) (*Server, error) {
	s, err := startPostgres(ctx, c, host)
	if err != nil {
		return nil, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	return s, nil
}

func startPostgres(ctx context.Context, c *cluster.Cluster, host string) (*Server, error) {
	programs, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	s, err := newServer(host)
	if err != nil {
		return nil, err
	}
	admin := *s
	admin.User, admin.Password, admin.Database = postgresAdmin, password(), "postgres"
	s.User, s.Database = postgresApp, postgresDB
	data, err := initPostgres(ctx, c, programs, admin.Password)
	if err != nil {
		return nil, err
	}
	// Without sockets in the file system and, as nothing is kept, without fsync.
	line := as(postgresUser, filepath.Join(programs, "postgres"),
		"-D", data, "-h", host, "-p", strconv.Itoa(s.Port), "-k", "", "-F")
	if s.Program, err = run(ctx, c, "postgres", line, func(ctx context.Context) error { return admin.query(ctx) }); err != nil {
		return nil, err
	}
	quoted := "'" + strings.ReplaceAll(s.Password, "'", "''") + "'"
	return s, admin.query(ctx, "CREATE ROLE "+s.User+" LOGIN PASSWORD "+quoted, "CREATE DATABASE "+s.Database+" OWNER "+s.User)
}

// initPostgres makes the data folder.
func initPostgres(ctx context.Context, c *cluster.Cluster, programs, password string) (string, error) {
	home, err := makeHome(c, postgresUser)
	if err != nil {
		return "", err
	}
	secret, data := filepath.Join(home, "password"), filepath.Join(home, "data")
	if err := writeFor(postgresUser, secret, password); err != nil {
		return "", err
	}
	line := as(postgresUser, filepath.Join(programs, "initdb"), "--pgdata="+data, "--username="+postgresAdmin,
		"--pwfile="+secret, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	cmd := exec.CommandContext(ctx, "setpriv", line...)
	cmd.Dir = home
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if err := os.Remove(secret); err != nil {
		return "", err
	}
	return data, allowHosts(filepath.Join(data, "pg_hba.conf"))
}

// allowHosts lets everybody in who has the password.
func allowHosts(path string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString("host all all 0.0.0.0/0 scram-sha-256\n")
	return errors.Join(err, file.Close())
}

// Rotate gives the user of a PostgreSQL another password.
func (s *Server) Rotate(ctx context.Context) error {
	next := password()
	if err := s.query(ctx, "ALTER ROLE "+s.User+" PASSWORD '"+strings.ReplaceAll(next, "'", "''")+"'"); err != nil {
		return err
	}
	s.Password = next
	return nil
}

// query connects, and runs statements.
func (s *Server) query(ctx context.Context, statements ...string) error {
	config, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=disable", s.Host, s.Port, s.User, s.Database))
	if err != nil {
		return err
	}
	config.Password = s.Password
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(ctx) }()
	for _, statement := range statements {
		if _, err := connection.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

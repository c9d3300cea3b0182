// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// The variables, as docs/services says.
const (
	variablePostgres    = "POSTGRESQL_CONNECTIONSTRING"
	variablePostgresURL = "POSTGRESQL_URL"
	variableRedis       = "REDIS_URL"
)

// services are how to reach what the shop uses.
type services struct {
	postgres    *pgx.ConnConfig
	postgresURL *pgx.ConnConfig
	redis       *redis.Options
}

// settings reads the variables. Its errors name them and never hold their values.
func settings(lookup func(string) (string, bool)) (s services, err error) {
	var missing error
	value := func(name string) string {
		text, ok := lookup(name)
		if !ok || text == "" {
			missing = errors.Join(missing, fmt.Errorf("variable %s is not set", name))
		}
		return text
	}
	text, url, cache := value(variablePostgres), value(variablePostgresURL), value(variableRedis)
	if missing != nil {
		return s, missing
	}
	if s.postgres, err = pgx.ParseConfig(text); err != nil {
		return s, fmt.Errorf("variable %s is no connection string", variablePostgres)
	}
	if s.postgresURL, err = pgx.ParseConfig(url); err != nil {
		return s, fmt.Errorf("variable %s is no URL of a PostgreSQL", variablePostgresURL)
	}
	if s.redis, err = redis.ParseURL(cache); err != nil {
		return s, fmt.Errorf("variable %s is no URL of a Redis", variableRedis)
	}
	return s, nil
}

// Result is what a round read.
type Result struct {
	Row string `json:"row"`
	Key string `json:"key"`
}

// report does one round and writes what it read as a line of JSON.
func (s services) report(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	var result Result
	var err error
	if err = write(ctx, s.postgres); err != nil {
		return fmt.Errorf("PostgreSQL by %s: %w", variablePostgres, err)
	}
	if result.Row, err = read(ctx, s.postgresURL); err != nil {
		return fmt.Errorf("PostgreSQL by %s: %w", variablePostgresURL, err)
	}
	if result.Key, err = s.key(ctx); err != nil {
		return fmt.Errorf("redis by %s: %w", variableRedis, err)
	}
	return json.NewEncoder(out).Encode(result)
}

// write makes the table, if it is not there, and writes a row.
func write(ctx context.Context, config *pgx.ConnConfig) error {
	return connected(ctx, config, func(c *pgx.Conn) error {
		// Two replicas that make the table at once must not trip each other.
		_, err := c.Exec(ctx, `BEGIN; SELECT pg_advisory_xact_lock(1);
			CREATE TABLE IF NOT EXISTS orders (id int PRIMARY KEY, item text NOT NULL);
			INSERT INTO orders VALUES (1, 'a row') ON CONFLICT (id) DO UPDATE SET item = excluded.item; COMMIT`)
		return err
	})
}

// read reads that row back.
func read(ctx context.Context, config *pgx.ConnConfig) (item string, err error) {
	err = connected(ctx, config, func(c *pgx.Conn) error {
		return c.QueryRow(ctx, "SELECT item FROM orders WHERE id = 1").Scan(&item)
	})
	return item, err
}

func connected(ctx context.Context, config *pgx.ConnConfig, use func(*pgx.Conn) error) error {
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(context.WithoutCancel(ctx)) }()
	return use(connection)
}

// key sets a key and reads it back.
func (s services) key(ctx context.Context) (string, error) {
	client := redis.NewClient(s.redis)
	defer func() { _ = client.Close() }()
	if err := client.Set(ctx, "order", "a key", 0).Err(); err != nil {
		return "", err
	}
	return client.Get(ctx, "order").Result()
}

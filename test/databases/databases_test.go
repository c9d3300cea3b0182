// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package databases

import (
	"os"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"serviceconnector.dev/test/cluster"
)

// reason is why the tests are skipped.
const reason = "tests of the databases are skipped: they need root and packages; to run them set SERVICECONNECTOR_NODE=1"

func TestServers(t *testing.T) {
	if os.Getenv("SERVICECONNECTOR_NODE") != "1" {
		t.Skip(reason)
	}
	if err := Requirements(); err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Start(t.Context(), cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, c)
	postgres, err := StartPostgres(t.Context(), c, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := StartRedis(t.Context(), c, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}

	t.Run("the user owns a database, and it is there after a kill", func(t *testing.T) {
		if err := postgres.query(t.Context(), "CREATE TABLE t (n int)", "INSERT INTO t VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		restart(t, postgres)
		if err := postgres.query(t.Context(), "SELECT 1/n FROM t"); err != nil {
			t.Error(err)
		}
	})
	t.Run("a wrong password is refused", func(t *testing.T) {
		wrong := *postgres
		wrong.Password = "wrong"
		if err := wrong.query(t.Context()); err == nil || !strings.Contains(err.Error(), "password authentication failed") {
			t.Errorf("PostgreSQL: %v", err)
		}
		wrong = *cache
		wrong.Password = "wrong"
		if err := wrong.ping(t.Context()); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
			t.Errorf("Redis: %v", err)
		}
	})
	t.Run("a password that was rotated is refused", func(t *testing.T) {
		old := *postgres
		if err := postgres.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := postgres.query(t.Context()); err != nil {
			t.Errorf("the new one: %v", err)
		}
		if err := old.query(t.Context()); err == nil {
			t.Error("the old one is good")
		}
	})
	t.Run("a key is set and read", func(t *testing.T) {
		client := redis.NewClient(&redis.Options{Addr: cache.address(), Username: cache.User, Password: cache.Password})
		defer func() { _ = client.Close() }()
		if err := client.Set(t.Context(), "key", "value", 0).Err(); err != nil {
			t.Fatal(err)
		}
		if got, err := client.Get(t.Context(), "key").Result(); err != nil || got != "value" {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("they end with the cluster, and their data with them", func(t *testing.T) {
		stop(t, c)
		if err := postgres.query(t.Context()); err == nil {
			t.Error("PostgreSQL answers")
		}
		if err := cache.ping(t.Context()); err == nil {
			t.Error("Redis answers")
		}
		if _, err := os.Stat(c.Dir); err == nil {
			t.Errorf("the folder %s is still there", c.Dir)
		}
	})
}

func restart(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Program.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Program.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func stop(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
}

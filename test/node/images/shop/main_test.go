// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"strings"
	"testing"
)

func TestSettings(t *testing.T) {
	complete := map[string]string{
		variablePostgres:    "host=127.0.0.1 port=1 dbname=d user=u password=s3cret",
		variablePostgresURL: "postgresql://u:s3cret@127.0.0.1:1/d",
		variableRedis:       "redis://u:s3cret@127.0.0.1:1/0",
	}
	tests := map[string]struct {
		changed, value string
		want           string
	}{
		"no connection string":  {variablePostgres, "", "variable POSTGRESQL_CONNECTIONSTRING is not set"},
		"no URL":                {variablePostgresURL, "", "variable POSTGRESQL_URL is not set"},
		"no Redis":              {variableRedis, "", "variable REDIS_URL is not set"},
		"a bad string":          {variablePostgres, "s3cret", "variable POSTGRESQL_CONNECTIONSTRING is no connection string"},
		"a bad URL":             {variablePostgresURL, "postgresql://s3cret:%zz@h/", "variable POSTGRESQL_URL is no URL of a PostgreSQL"},
		"a bad URL of a Redis":  {variableRedis, "http://s3cret", "variable REDIS_URL is no URL of a Redis"},
		"a complete set, tried": {variableRedis, complete[variableRedis], "connection refused"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			lookup := func(name string) (string, bool) {
				if name == tt.changed {
					return tt.value, tt.value != ""
				}
				value, ok := complete[name]
				return value, ok
			}
			err := run(t.Context(), []string{"once"}, lookup, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("a credential is in %q", err)
			}
		})
	}
}

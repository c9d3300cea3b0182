// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Command shop is an application that uses a PostgreSQL and a Redis. All that it
// knows of them is what the catalogue's postgresql and redis-server give to the
// client type go: POSTGRESQL_CONNECTIONSTRING, POSTGRESQL_URL and REDIS_URL.
//
//	shop once   writes and reads a row and a key, and ends
//	shop serve  does so, and then answers /healthz on :8080 until it is told to end;
//	            each answer is another round
//
// A round writes a row and a key, reads both back and says in one line of JSON
// what it read. A variable that is missing is an error; none has a default.
package main

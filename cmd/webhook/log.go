// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"log/slog"

	"github.com/go-logr/logr"
)

// newLogger returns a logger to w. logr's V(n) is slog's level -n, so debug (-4)
// admits all of it.
func newLogger(o options, w io.Writer) logr.Logger {
	settings := &slog.HandlerOptions{Level: slog.LevelInfo}
	if o.logLevel == "debug" {
		settings.Level = slog.LevelDebug
	}
	if o.logFormat == "text" {
		return logr.FromSlogHandler(slog.NewTextHandler(w, settings))
	}
	return logr.FromSlogHandler(slog.NewJSONHandler(w, settings))
}

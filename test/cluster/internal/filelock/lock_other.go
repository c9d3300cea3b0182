// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

//go:build !unix || aix || solaris

package filelock

import "context"

// Acquire grants the lock at once: this system has none that ends with its
// process.
func Acquire(context.Context, string, func()) (release func(), err error) {
	return func() {}, nil
}

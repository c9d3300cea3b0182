// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix && !aix && !solaris

package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// pollInterval is how often a taken lock is tried again.
const pollInterval = 100 * time.Millisecond

// Acquire takes the lock of a file, which it makes if it must. While somebody
// else holds it, Acquire waits, after calling waiting once.
func Acquire(ctx context.Context, path string, waiting func()) (release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(ctx, file, waiting); err != nil {
		_ = file.Close()
		return nil, err
	}
	// Closing releases. The file stays: removing it would let two processes
	// lock two files of one name.
	return func() { _ = file.Close() }, nil
}

func lock(ctx context.Context, file *os.File, waiting func()) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("locking %s: %w", file.Name(), err)
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the lock %s: %w", file.Name(), ctx.Err())
		case <-time.After(pollInterval):
		}
	}
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// getTimeout bounds how long get tries. What it asks may be starting.
const getTimeout = 10 * time.Second

func printenv(_ context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		for _, entry := range slices.Sorted(slices.Values(os.Environ())) {
			fmt.Fprintln(out, entry)
		}
		return nil
	}
	for _, name := range args {
		value, ok := os.LookupEnv(name)
		if !ok {
			return fmt.Errorf("printenv: %s is not set", name)
		}
		fmt.Fprintln(out, value)
	}
	return nil
}

func cat(_ context.Context, args []string, out io.Writer) error {
	for _, path := range args {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := out.Write(content); err != nil {
			return err
		}
	}
	return nil
}

func ls(_ context.Context, args []string, out io.Writer) error {
	recursive := len(args) > 0 && args[0] == "-R"
	if recursive {
		args = args[1:]
	}
	for _, dir := range args {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || path == dir {
				return err
			}
			fmt.Fprintln(out, path)
			if entry.IsDir() && !recursive {
				return fs.SkipDir
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func sleep(ctx context.Context, args []string, _ io.Writer) error {
	if len(args) != 1 {
		return errors.New("sleep: give the seconds")
	}
	seconds, err := strconv.ParseFloat(args[0], 64)
	if err != nil {
		return fmt.Errorf("sleep: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds*float64(time.Second)))
	defer cancel()
	return pause(ctx, nil, nil)
}

func pause(ctx context.Context, _ []string, _ io.Writer) error {
	<-ctx.Done()
	return nil
}

func serve(ctx context.Context, args []string, _ io.Writer) error {
	if len(args) == 0 {
		return errors.New("serve: give an address, as in :8080")
	}
	text, err := os.Hostname()
	if err != nil {
		return err
	}
	if len(args) > 1 {
		text = args[1]
	}
	server := &http.Server{
		Addr:              args[0],
		ReadHeaderTimeout: getTimeout,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintln(w, text)
		}),
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func get(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("get: give one URL")
	}
	ctx, cancel := context.WithTimeout(ctx, getTimeout)
	defer cancel()
	for {
		err := getOnce(ctx, args[0], out)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(getTimeout / 100):
		}
	}
}

func getOnce(ctx context.Context, url string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, getTimeout/5)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("get: %s answers %s", url, response.Status)
	}
	_, err = io.Copy(out, response.Body)
	return err
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Command docs writes docs/services from the catalogue; make generate calls it.
//
//	go run ./pkg/connections/catalogue/cmd/docs docs/services
//
// It removes nothing: pages of services that there are no more are the caller's.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"serviceconnector.dev/pkg/connections/catalogue/pages"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("name the folder to write to, and nothing else: docs <folder>")
	}
	folder := args[0]
	documents, err := pages.All()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	for name, content := range documents {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return fmt.Errorf("writing a page: %w", err)
		}
	}
	return nil
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package cluster

import (
	"errors"
	"os/exec"
)

// canDetach says that a detached process cannot be found again for certain.
const canDetach = false

// startChild starts a command. After a kill of this process its children stay.
func startChild(cmd *exec.Cmd) error { return cmd.Start() }

func startDetached(*exec.Cmd) error {
	return errors.New("this system has no detached clusters")
}

// identity knows no process: only children are ended here, by their handle.
func identity(int) (id string, ok bool) { return "", false }

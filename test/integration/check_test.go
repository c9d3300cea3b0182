// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// check runs webhook check, as helm test does.
func check(t *testing.T, args ...string) (output string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args = append([]string{"check", "--kubeconfig", controlPlane.Kubeconfig}, args...)
	raw, err := exec.CommandContext(ctx, filepath.Join(controlPlane.Dir, "webhook"), args...).CombinedOutput()
	return string(raw), err
}

func TestCheckSeesTheWebhook(t *testing.T) {
	output, err := check(t)
	if err != nil || output != "the API server asks the webhook about annotated pods in namespace \"default\"\n" {
		t.Errorf("%v: %s", err, output)
	}
}

// kube-system is a namespace that the webhook is not asked about.
func TestCheckSeesThatNobodyAsks(t *testing.T) {
	output, err := check(t, "--try-namespace=kube-system", "--timeout=1500ms")
	if err == nil || !strings.Contains(output, "without asking the webhook; see kubectl connection doctor") {
		t.Errorf("%v: %s", err, output)
	}
}

func TestCheckSeesAnOutage(t *testing.T) {
	if err := installed.Stop(); err != nil {
		t.Fatal(err)
	}
	output, err := check(t, "--timeout=1500ms")
	if err := installed.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err == nil || !strings.Contains(output, `failed calling webhook "pods.serviceconnector.dev"`) {
		t.Errorf("%v: %s", err, output)
	}
	if output, err := check(t); err != nil {
		t.Errorf("after the outage: %v: %s", err, output)
	}
}

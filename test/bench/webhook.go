// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/cert"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/mutate"
	"serviceconnector.dev/test/bench/effect"
	"serviceconnector.dev/test/cluster"
)

// addWebhook builds and starts the command contender in a mode, and has the API
// server ask it.
func addWebhook(mode string) func(context.Context, *world, contender) error {
	return func(ctx context.Context, w *world, c contender) error { return w.addWebhook(ctx, c, mode) }
}

func (w *world) addWebhook(ctx context.Context, c contender, mode string) error {
	binary := filepath.Join(w.plane.Dir, "contender")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "serviceconnector.dev/test/bench/contender")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building: %w\n%s", err, out)
	}
	certificate, key, err := selfSigned("127.0.0.1")
	if err != nil {
		return err
	}
	patch, err := json.Marshal(constantPatch())
	if err != nil {
		return err
	}
	base := filepath.Join(w.plane.Dir, c.Process)
	for kind, content := range map[string][]byte{".crt": certificate, ".key": key, ".json": patch} {
		if err := os.WriteFile(base+kind, content, 0o600); err != nil {
			return err
		}
	}
	ports, err := cluster.FreePorts(1)
	if err != nil {
		return err
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	_, err = w.plane.Run(ctx, cluster.ProgramSpec{
		Name: c.Process, Path: binary,
		Args:  []string{"-mode", mode, "-listen", address, "-certificate", base + ".crt", "-key", base + ".key", "-patch", base + ".json"},
		Ready: func(ctx context.Context) error { return answers(ctx, "https://"+address+"/healthz") },
	})
	if err != nil {
		return err
	}
	var conditions []admissionregistrationv1.MatchCondition
	if c.Name == conditional {
		if conditions, err = w.podConditions(ctx); err != nil {
			return err
		}
	}
	url := "https://" + address + "/mutate"
	fail, sideEffects := admissionregistrationv1.Fail, admissionregistrationv1.SideEffectClassNone
	return w.objects.Create(ctx, &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: c.Process},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: c.Name + ".bench.example.com", AdmissionReviewVersions: []string{"v1"}, FailurePolicy: &fail, SideEffects: &sideEffects,
			ClientConfig:      admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: certificate},
			NamespaceSelector: c.selector(),
			Rules:             podRules(), MatchConditions: conditions,
		}},
	})
}

// podConditions are the match conditions of Service Connector's webhook for pods.
func (w *world) podConditions(ctx context.Context) ([]admissionregistrationv1.MatchCondition, error) {
	var installed admissionregistrationv1.MutatingWebhookConfiguration
	if err := w.objects.Get(ctx, client.ObjectKey{Name: configuration}, &installed); err != nil {
		return nil, err
	}
	for _, hook := range installed.Webhooks {
		if slices.ContainsFunc(hook.Rules, aboutPods) && len(hook.MatchConditions) > 0 {
			return hook.MatchConditions, nil
		}
	}
	return nil, fmt.Errorf("%s has no match condition for pods", configuration)
}

// selfSigned makes a certificate for a name and for loopback, and its key.
func selfSigned(name string) (certificate, key []byte, err error) {
	return cert.GenerateSelfSignedCertKey(name, []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
}

// answers reports whether a server answers that it is well.
func answers(ctx context.Context, url string) error {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // whether it answers at all
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, response.Status)
	}
	return errors.Join(err, response.Body.Close())
}

func podRules() []admissionregistrationv1.RuleWithOperations {
	return []admissionregistrationv1.RuleWithOperations{{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
	}}
}

// escape makes a key a part of a JSON pointer.
func escape(key string) string { return strings.ReplaceAll(key, "/", "~1") }

// constantPatch is the patch that Service Connector makes, but for the digest in its
// record.
func constantPatch() []map[string]any {
	from := map[string]any{"secretRef": map[string]string{"name": effect.Secret}}
	patch := []map[string]any{
		{"op": "add", "path": "/metadata/annotations/" + escape(mutate.AnnotationInjected), "value": effect.Record},
		{"op": "add", "path": "/metadata/labels/" + escape(mutate.LabelWorkloadIdentity), "value": "true"},
		{"op": "add", "path": "/spec/serviceAccountName", "value": effect.ServiceAccount},
	}
	for i := range effect.Pod().Spec.Containers {
		patch = append(patch, map[string]any{"op": "add", "path": fmt.Sprintf("/spec/containers/%d/envFrom", i), "value": []any{from}})
	}
	return patch
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certmanager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"serviceconnector.dev/test/cluster"
)

const (
	module = "github.com/cert-manager/cert-manager"
	name   = "cert-manager"
	// pollInterval is how often a condition is looked at.
	pollInterval = 100 * time.Millisecond
	// issuing is the condition that cert-manager issues on.
	issuing = "Issuing"
)

var certificates = schema.GroupVersionResource{Group: "cert-manager.io", Version: "v1", Resource: "certificates"}

// CertManager is a running cert-manager. It ends with its cluster.
type CertManager struct {
	clients kubernetes.Interface
	objects dynamic.Interface
}

// Start installs the CRDs and starts the process. Progress goes to output: the
// first build takes more than a minute.
func Start(ctx context.Context, c *cluster.Cluster, output io.Writer) (*CertManager, error) {
	binary, crds, err := build(ctx, c.Dir, output)
	if err != nil {
		return nil, err
	}
	if _, err := c.Kubectl(ctx, "apply", "--server-side", "-f", crds); err != nil {
		return nil, err
	}
	if _, err := c.Kubectl(ctx, "wait", "--for=condition=Established", "--timeout=30s", "-f", crds); err != nil {
		return nil, err
	}
	m := &CertManager{}
	if m.clients, err = kubernetes.NewForConfig(c.Config()); err != nil {
		return nil, err
	}
	if m.objects, err = dynamic.NewForConfig(c.Config()); err != nil {
		return nil, err
	}
	ports, err := cluster.FreePorts(1)
	if err != nil {
		return nil, err
	}
	health := fmt.Sprintf("127.0.0.1:%d", ports[0])
	_, err = c.Run(ctx, cluster.ProgramSpec{
		Name: name, Path: binary, Args: []string{"--kubeconfig", c.Kubeconfig, "--health", health},
		Ready: func(ctx context.Context) error { return healthy(ctx, "http://"+health+"/healthz") },
	})
	return m, err
}

func healthy(ctx context.Context, url string) error {
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
		return fmt.Errorf("cert-manager answers %s", response.Status)
	}
	return nil
}

// build returns the paths of the binary and of the folder with the CRDs.
func build(ctx context.Context, dir string, output io.Writer) (binary, crds string, err error) {
	_, _ = fmt.Fprintln(output, "building cert-manager (once; more than a minute)") // progress may be lost
	folder, err := goList(ctx, ".", "serviceconnector.dev/test")
	if err != nil {
		return "", "", err
	}
	server := filepath.Join(folder, "certmanager", "server")
	binary = filepath.Join(dir, name)
	command := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	command.Dir = server
	if out, err := command.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("building cert-manager: %w\n%s", err, out)
	}
	source, err := goList(ctx, server, module)
	return binary, filepath.Join(source, "deploy", "crds"), err
}

// goList returns the folder of a module.
func goList(ctx context.Context, dir, module string) (string, error) {
	command := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module)
	command.Dir = dir
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("finding module %s: %w", module, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Issued waits until a Secret holds a certificate that is not the given one, and
// returns it as PEM.
func (m *CertManager) Issued(ctx context.Context, namespace, secret string, not []byte) ([]byte, error) {
	var found *corev1.Secret
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		var err error
		found, err = m.clients.CoreV1().Secrets(namespace).Get(ctx, secret, metav1.GetOptions{})
		return err == nil && len(found.Data[corev1.TLSCertKey]) > 0 && !bytes.Equal(found.Data[corev1.TLSCertKey], not), nil
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for a certificate in Secret %s/%s: %w", namespace, secret, err)
	}
	return found.Data[corev1.TLSCertKey], nil
}

// Renew has a Certificate issued anew, as cmctl renew does, and waits until its
// Secret holds the new one.
func (m *CertManager) Renew(ctx context.Context, namespace, certificate string) error {
	client := m.objects.Resource(certificates).Namespace(namespace)
	found, err := client.Get(ctx, certificate, metav1.GetOptions{})
	if err != nil {
		return err
	}
	secret, ok, err := unstructured.NestedString(found.Object, "spec", "secretName")
	if err != nil || !ok {
		return errors.Join(fmt.Errorf("certificate %s names no Secret", certificate), err)
	}
	before, err := m.Issued(ctx, namespace, secret, nil)
	if err != nil {
		return err
	}
	if err := ask(ctx, client, certificate); err != nil {
		return fmt.Errorf("asking for a renewal: %w", err)
	}
	_, err = m.Issued(ctx, namespace, secret, before)
	return err
}

// ask says in the status of a Certificate that it is to be issued, once it is not
// being issued any more: cert-manager ends an issuance with a status of its own,
// which would take the request away, and writes meanwhile.
func ask(ctx context.Context, client dynamic.ResourceInterface, certificate string) error {
	return wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		found, err := client.Get(ctx, certificate, metav1.GetOptions{})
		if err != nil || !settled(found) {
			return false, err
		}
		if err := setIssuing(found, time.Now()); err != nil {
			return false, err
		}
		_, err = client.UpdateStatus(ctx, found, metav1.UpdateOptions{})
		if apierrors.IsConflict(err) {
			return false, nil
		}
		return err == nil, err
	})
}

// settled reports whether a Certificate is ready, and not being issued.
func settled(certificate *unstructured.Unstructured) bool {
	ready := false
	conditions, _, _ := unstructured.NestedSlice(certificate.Object, "status", "conditions")
	for _, c := range conditions {
		condition, ok := c.(map[string]any)
		if !ok || condition["status"] != "True" {
			continue
		}
		if condition["type"] == issuing {
			return false
		}
		ready = ready || condition["type"] == "Ready"
	}
	return ready
}

// setIssuing sets the condition that cert-manager issues on.
func setIssuing(certificate *unstructured.Unstructured, now time.Time) error {
	conditions, _, err := unstructured.NestedSlice(certificate.Object, "status", "conditions")
	if err != nil {
		return err
	}
	conditions = slices.DeleteFunc(conditions, func(c any) bool {
		condition, ok := c.(map[string]any)
		return ok && condition["type"] == issuing
	})
	conditions = append(conditions, map[string]any{
		"type": issuing, "status": "True", "reason": "ManuallyTriggered", "message": "renewed by a test",
		"lastTransitionTime": now.UTC().Format(time.RFC3339), "observedGeneration": certificate.GetGeneration(),
	})
	return unstructured.SetNestedSlice(certificate.Object, conditions, "status", "conditions")
}

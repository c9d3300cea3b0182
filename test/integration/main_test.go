// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package integration tests the product on a real kube-apiserver and
// kube-controller-manager: the real binary, with the rights of its service
// account, called over the transport that production uses.
//
// All tests share one control plane and one webhook. Each works in namespaces
// and with ClusterConnections of its own.
package integration

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/cluster"
	"serviceconnector.dev/test/product"
)

// The world that all tests share.
var (
	controlPlane *cluster.Cluster
	installed    *product.Product
	clients      kubernetes.Interface
	objects      client.Client
	identities   *identityWebhook
	traces       *collector
)

// settle is how long the webhook publishes a new certificate authority before it
// signs with it. It is longer than the ten seconds between two looks.
const settle = 11 * time.Second

func TestMain(m *testing.M) {
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func runAll(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Minute)
	defer cancel()
	tracing, err := tracingConfig()
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(filepath.Dir(tracing))) }()
	traces = startCollector()
	defer traces.server.Close()
	controlPlane, err = cluster.Start(ctx, cluster.Options{Audit: true, APIServerArgs: []string{"--tracing-config-file=" + tracing}})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, controlPlane.Stop()) }()
	config := controlPlane.Config()
	config.WarningHandler = rest.NoWarnings{} // the warnings that matter are read from kubectl
	if clients, err = kubernetes.NewForConfig(config); err != nil {
		return 1, err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return 1, err
	}
	if objects, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return 1, err
	}
	if installed, err = product.Start(ctx, controlPlane, product.Options{Args: []string{
		"--ca-settle", settle.String(), "--scan-interval", "5s", "--evict-half-connected", "--allow-rollout",
		"--tracing-endpoint", traces.server.URL,
	}}); err != nil {
		return 1, err
	}
	if err := allowMore(ctx); err != nil {
		return 1, err
	}
	if identities, err = startIdentityWebhook(ctx); err != nil {
		return 1, err
	}
	defer identities.server.Close()
	return m.Run(), nil
}

// allowMore gives the rights that the chart gives with scan.evict and
// rollout.enabled.
func allowMore(ctx context.Context) error {
	const name = "service-connector-more"
	_, err := clients.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"apps"}, Resources: []string{"deployments", "statefulsets", "daemonsets"}, Verbs: []string{"get", "patch"}},
			{APIGroups: []string{""}, Resources: []string{"pods/eviction"}, Verbs: []string{"create"}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = clients.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: product.Namespace, Name: "service-connector"}},
	}, metav1.CreateOptions{})
	return err
}

// get reads a URL of the product's plain HTTP endpoints.
func get(t *testing.T, url string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

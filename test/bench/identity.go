// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/mutate"
	"serviceconnector.dev/test/bench/effect"
	"serviceconnector.dev/test/cluster"
)

// What azure-workload-identity goes by, and what it answers.
const (
	identityVersion    = "1.6.0"
	identityLabel      = mutate.LabelWorkloadIdentity
	identityAnnotation = "azure.workload.identity/client-id"
	identityService    = "azure-wi-webhook-webhook-service"
	identityAudience   = "api://AzureADTokenExchange"
	// identityPort is where it listens: it has no flag for that.
	identityPort = int32(9443)
)

//go:embed mlog.go.txt
var standInLogger string

// identity is azure-workload-identity. Of its logger, which the Go module proxy does
// not give out, a stand-in of ours has what it calls.
var identity = rival{
	module: module{Path: "github.com/Azure/azure-workload-identity", Version: "v" + identityVersion, Package: "cmd/webhook",
		StandIns: map[string]map[string]string{"monis.app/mlog": {
			"go.mod":  "module monis.app/mlog\n\ngo 1.24.0\n\nrequire github.com/go-logr/logr v1.4.3\n",
			"mlog.go": standInLogger,
		}}},
	Note: "built from its module with a stand-in for monis.app/mlog, which it logs with: the Go module proxy does not give that out. " +
		"It adds environment variables and a token to each container, and nothing of what the others add.",
	Start: startIdentity,
}

func startIdentity(ctx context.Context, w *world, c contender, b built) error {
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", identityPort)) //nolint:noctx // to see whether one can
	if err != nil {
		return fmt.Errorf("%s listens on port %d and has no flag for another; free that port: %w", c.Name, identityPort, err)
	}
	if err := listener.Close(); err != nil {
		return err
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: c.where(), Name: "default", Annotations: map[string]string{identityAnnotation: effect.ClientID}}}
	if err := w.objects.Patch(ctx, account, client.Merge); err != nil {
		return err
	}
	certificate, key, err := selfSigned(identityService + "." + c.where() + ".svc")
	if err != nil {
		return err
	}
	certificates := filepath.Join(filepath.Dir(b.Binary), "certificates")
	if err := writeFiles(certificates, map[string]string{"tls.crt": string(certificate), "tls.key": string(key)}); err != nil {
		return err
	}
	ports, err := cluster.FreePorts(2)
	if err != nil {
		return err
	}
	health, metrics := fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1])
	_, err = w.plane.Run(ctx, cluster.ProgramSpec{
		Name: c.Process, Path: b.Binary,
		Args: []string{"--kubeconfig", w.plane.Kubeconfig, "--log-level", "info", "--disable-cert-rotation", "--webhook-cert-dir", certificates,
			"--health-addr", health, "--metrics-addr", metrics},
		Env:   []string{"AZURE_TENANT_ID=99999999-0000-0000-0000-000000000000", "AZURE_ENVIRONMENT=AzurePublicCloud", "POD_NAMESPACE=" + c.where()},
		Ready: func(ctx context.Context) error { return answers(ctx, "http://"+health+"/readyz") },
	})
	if err != nil {
		return err
	}
	return w.askIdentity(ctx, c, b, certificate)
}

// askIdentity has the API server ask it as it would in a cluster. By a URL it would
// be asked over HTTP/2, by a Service over HTTP/1.1; of a Service that stands for
// another name no proxy must know.
func (w *world) askIdentity(ctx context.Context, c contender, b built, certificate []byte) error {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: c.where(), Name: identityService},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"}}
	if err := w.objects.Create(ctx, service); err != nil {
		return err
	}
	released, err := releasedConfiguration(filepath.Join(b.Source, "deploy", "azure-wi-webhook.yaml"))
	if err != nil {
		return err
	}
	for i := range released.Webhooks {
		hook, port := &released.Webhooks[i], identityPort
		if hook.ClientConfig.Service == nil {
			return fmt.Errorf("the webhook %s of %s has no Service", hook.Name, released.Name)
		}
		hook.ClientConfig.Service.Namespace, hook.ClientConfig.Service.Port = c.where(), &port
		hook.ClientConfig.CABundle = certificate
		hook.NamespaceSelector = c.selector()
	}
	return w.objects.Create(ctx, released)
}

// releasedConfiguration reads the webhook configuration of a manifest.
func releasedConfiguration(path string) (*admissionregistrationv1.MutatingWebhookConfiguration, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	decoder := yaml.NewYAMLOrJSONDecoder(file, 4096)
	for {
		var found admissionregistrationv1.MutatingWebhookConfiguration
		if err := decoder.Decode(&found); errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s has no MutatingWebhookConfiguration", path)
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if found.Kind == "MutatingWebhookConfiguration" {
			return &found, nil
		}
	}
}

// hasToken reports how a pod lacks what azure-workload-identity gives it.
func hasToken(pod *corev1.Pod) error {
	volume := slices.IndexFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
		return v.Projected != nil && slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool {
			return s.ServiceAccountToken != nil && s.ServiceAccountToken.Audience == identityAudience
		})
	})
	if volume < 0 || len(pod.Spec.Volumes) != 2 {
		return fmt.Errorf("its volumes are %v", pod.Spec.Volumes)
	}
	for _, c := range pod.Spec.Containers {
		mounted := slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == pod.Spec.Volumes[volume].Name })
		if !mounted || !slices.Contains(c.Env, corev1.EnvVar{Name: "AZURE_CLIENT_ID", Value: effect.ClientID}) {
			return fmt.Errorf("its container %s has the mounts %v and the variables %v", c.Name, c.VolumeMounts, c.Env)
		}
	}
	return nil
}

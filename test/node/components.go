// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"serviceconnector.dev/test/cluster"
)

// Names of binaries and programs.
const (
	containerd   = "containerd"
	kubelet      = "kubelet"
	kubeProxy    = "kube-proxy"
	secretsStore = "secrets-store"
)

// Users of the node's components.
const (
	userKubelet = "system:node:" + Name
	userProxy   = "system:kube-proxy"
)

func (n *Node) startContainerd(ctx context.Context) error {
	path, err := exec.LookPath(containerd)
	if err != nil {
		return err
	}
	_, err = n.Cluster.Run(ctx, cluster.ProgramSpec{
		Name:  containerd,
		Path:  path,
		Args:  []string{"--config=" + n.settings.file("containerd.toml")},
		Ready: n.runtimeReady,
	})
	return err
}

// runtimeReady returns nil once containerd can run pods and has read the CNI
// configuration.
func (n *Node) runtimeReady(ctx context.Context) error {
	connection, err := n.dial()
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	answer, err := runtimeapi.NewRuntimeServiceClient(connection).Status(ctx, &runtimeapi.StatusRequest{})
	if err != nil {
		return err
	}
	for _, condition := range answer.Status.Conditions {
		if !condition.Status {
			return fmt.Errorf("%s: %s %s", condition.Type, condition.Reason, condition.Message)
		}
	}
	return nil
}

func (n *Node) startKubelet(ctx context.Context) error {
	_, err := n.Cluster.Run(ctx, cluster.ProgramSpec{
		Name: kubelet,
		Path: n.Cluster.Binary(kubelet),
		Args: []string{
			"--config=" + n.settings.file("kubelet.yaml"),
			"--kubeconfig=" + n.Cluster.UserKubeconfig(userKubelet),
			"--hostname-override=" + Name,
			"--node-ip=" + Address,
			"--root-dir=" + n.kubeletDir(),
			"--cert-dir=" + filepath.Join(n.kubeletDir(), "pki"),
		},
		Ready: healthy(fmt.Sprintf("http://127.0.0.1:%d/healthz", n.settings.KubeletHealthPort)),
	})
	return err
}

func (n *Node) kubeletDir() string { return filepath.Join(n.Cluster.Dir, kubelet) }

// startProxy starts kube-proxy. It ends by itself when the Node's address comes
// later than it does, so the Node comes first.
func (n *Node) startProxy(ctx context.Context) error {
	_, err := n.Cluster.Run(ctx, cluster.ProgramSpec{
		Name:  kubeProxy,
		Path:  n.Cluster.Binary(kubeProxy),
		Args:  []string{"--config=" + n.settings.file("kube-proxy.yaml")},
		Ready: healthy(fmt.Sprintf("http://127.0.0.1:%d/healthz", n.settings.ProxyHealthPort)),
	})
	return err
}

// direct asks without a proxy: whatever is asked is on this machine.
var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// healthy returns the test whether a URL answers 200.
func healthy(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		response, err := direct.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
			return fmt.Errorf("%s answers %s: %s", url, response.Status, body)
		}
		return nil
	}
}

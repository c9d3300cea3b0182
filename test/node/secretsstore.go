// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	_ "embed"
	"errors"
	"os"
	"path/filepath"
	"slices"

	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"serviceconnector.dev/test/cluster"
)

// secretsStoreDriver is the name that pods' volumes give, the real driver's.
const secretsStoreDriver = "secrets-store.csi.k8s.io"

//go:embed testdata/secrets-store.yaml
var secretsStoreObjects []byte

// startSecretsStore installs the stand-in's objects and runs it beside the
// kubelet, which finds it by its registration socket.
func (n *Node) startSecretsStore(ctx context.Context) error {
	objects := filepath.Join(n.Cluster.Dir, "secrets-store.yaml")
	if err := os.WriteFile(objects, secretsStoreObjects, 0o600); err != nil {
		return err
	}
	if _, err := n.Cluster.Kubectl(ctx, "apply", "--server-side", "-f", objects); err != nil {
		return err
	}
	if _, err := n.Cluster.Kubectl(ctx, "wait", "--for=condition=Established", "--timeout=30s",
		"crd/secretproviderclasses.secrets-store.csi.x-k8s.io"); err != nil {
		return err
	}
	binary, err := n.build(ctx, packageSecretsStore)
	if err != nil {
		return err
	}
	clients, err := kubernetes.NewForConfig(n.Cluster.Config())
	if err != nil {
		return err
	}
	_, err = n.Cluster.Run(ctx, cluster.ProgramSpec{
		Name: secretsStore,
		Path: binary,
		Args: []string{
			"--kubeconfig=" + n.Cluster.Kubeconfig,
			"--node=" + Name,
			"--socket=" + filepath.Join(n.kubeletDir(), "plugins", "secrets-store.sock"),
			"--registration=" + filepath.Join(n.kubeletDir(), "plugins_registry", "secrets-store-reg.sock"),
		},
		Ready: func(ctx context.Context) error { return registered(ctx, clients) },
	})
	return err
}

// registered returns nil once the kubelet knows the driver.
func registered(ctx context.Context, clients kubernetes.Interface) error {
	node, err := clients.StorageV1().CSINodes().Get(ctx, Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(node.Spec.Drivers, func(d storagev1.CSINodeDriver) bool { return d.Name == secretsStoreDriver }) {
		return errors.New("the kubelet has not registered the driver")
	}
	return nil
}

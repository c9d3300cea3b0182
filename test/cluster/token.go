// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// tokenLife is how long a token of KubeconfigFor is valid.
const tokenLife = 8 * time.Hour

// KubeconfigFor writes a kubeconfig with a fresh token of a service account, and
// returns its path. With it a program runs outside the cluster with the very
// rights that it has inside.
func (c *Cluster) KubeconfigFor(ctx context.Context, namespace, serviceAccount string) (string, error) {
	clientset, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return "", fmt.Errorf("making a client: %w", err)
	}
	seconds := int64(tokenLife.Seconds())
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	answer, err := clientset.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, serviceAccount, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("requesting a token of service account %s/%s: %w", namespace, serviceAccount, err)
	}
	a := access{
		url:       c.URL,
		ca:        c.config.CAData,
		namespace: namespace,
		user:      clientcmdapi.AuthInfo{Token: answer.Status.Token},
	}
	path := filepath.Join(c.Dir, fmt.Sprintf("%s.%s.kubeconfig", namespace, serviceAccount))
	return path, a.write(path)
}

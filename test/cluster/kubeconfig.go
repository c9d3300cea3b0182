// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// contextName is the name of the one context, cluster and user of each
// kubeconfig.
const contextName = "serviceconnector-test"

// access is one way into the API server.
type access struct {
	url       string
	ca        []byte
	namespace string
	user      clientcmdapi.AuthInfo
}

// certificateUser returns who shows a client certificate.
func certificateUser(p pair) clientcmdapi.AuthInfo {
	return clientcmdapi.AuthInfo{ClientCertificateData: p.certificate, ClientKeyData: p.key}
}

// write writes a kubeconfig that only this user can read.
func (a access) write(path string) error {
	config := clientcmdapi.NewConfig()
	config.Clusters[contextName] = &clientcmdapi.Cluster{Server: a.url, CertificateAuthorityData: a.ca}
	config.AuthInfos[contextName] = &a.user
	config.Contexts[contextName] = &clientcmdapi.Context{Cluster: contextName, AuthInfo: contextName, Namespace: a.namespace}
	config.CurrentContext = contextName
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("writing kubeconfig %s: %w", path, err)
	}
	return nil
}

// loadConfig reads a kubeconfig.
func loadConfig(path string) (*rest.Config, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(raw)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig %s: %w", path, err)
	}
	// A test's client must not be slowed down by its own rate limit.
	config.QPS = -1
	return config, nil
}

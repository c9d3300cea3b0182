// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"maps"
	"os"
	"path/filepath"
	"time"
)

// Users of the cluster's own components. The admin's group may do everything;
// what the others may do, RBAC's default policy says.
const (
	userAdmin             = "admin"
	groupMasters          = "system:masters"
	userControllerManager = "system:kube-controller-manager"
	userScheduler         = "system:kube-scheduler"
)

// pki is the cluster's certificates and keys, in memory and, for the components,
// in files.
type pki struct {
	dir string
	ca  []byte
	// clients are the components' client certificates, by user.
	clients map[string]pair
}

// newPKI makes the certificates and keys of a cluster and writes into dir those
// that components read from files.
func newPKI(dir string, hosts []string, users map[string][]string, now time.Time) (*pki, error) {
	ca, err := newAuthority(now)
	if err != nil {
		return nil, err
	}
	k := &pki{dir: dir, ca: ca.pem(), clients: map[string]pair{}}
	all := map[string][]string{
		userAdmin:             {groupMasters},
		userControllerManager: nil,
		userScheduler:         nil,
	}
	maps.Copy(all, users)
	for user, groups := range all {
		if k.clients[user], err = ca.client(user, groups...); err != nil {
			return nil, err
		}
	}
	etcdPair, err := ca.server(etcd, loopback())
	if err != nil {
		return nil, err
	}
	serverPair, err := ca.server(apiServer, append(apiServerHosts(), hosts...))
	if err != nil {
		return nil, err
	}
	tokenKey, err := serviceAccountKey()
	if err != nil {
		return nil, err
	}
	return k, k.write(map[string][]byte{
		"ca.crt":             k.ca,
		"etcd.crt":           etcdPair.certificate,
		"etcd.key":           etcdPair.key,
		"kube-apiserver.crt": serverPair.certificate,
		"kube-apiserver.key": serverPair.key,
		"admin.crt":          k.clients[userAdmin].certificate,
		"admin.key":          k.clients[userAdmin].key,
		"tokens.key":         tokenKey,
	})
}

func (k *pki) write(files map[string][]byte) error {
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(k.file(name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// file returns the path of one of the files.
func (k *pki) file(name string) string { return filepath.Join(k.dir, name) }

func loopback() []string { return []string{"localhost", "127.0.0.1", "::1"} }

// apiServerHosts are the names by which the API server is known: on this machine
// and, should somebody add a node, to pods.
func apiServerHosts() []string {
	return append(loopback(), serviceAddress,
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
}

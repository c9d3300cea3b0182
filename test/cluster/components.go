// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"path/filepath"
	"strconv"
)

// Names of binaries.
const (
	etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
	kubectl           = "kubectl"
)

const (
	serviceRange = "10.96.0.0/16"
	// serviceAddress is the first address of serviceRange, which the service
	// "kubernetes" gets.
	serviceAddress = "10.96.0.1"
	issuer         = "https://kubernetes.default.svc.cluster.local"
)

func localURL(port int) string { return "https://127.0.0.1:" + strconv.Itoa(port) }

// etcdArgs returns etcd's command line. What it writes need not outlive a crash
// of the machine, so it does not wait for the disk; and there is no other member
// whose votes it would have to wait for.
func etcdArgs(dir string, k *pki, client, peer int) []string {
	return []string{
		"--name=default",
		"--data-dir=" + filepath.Join(dir, "etcd"),
		"--unsafe-no-fsync",
		"--heartbeat-interval=20",
		"--election-timeout=200",
		"--quota-backend-bytes=" + strconv.Itoa(8<<30),
		"--listen-client-urls=" + localURL(client),
		"--advertise-client-urls=" + localURL(client),
		"--listen-peer-urls=" + localURL(peer),
		"--initial-advertise-peer-urls=" + localURL(peer),
		"--initial-cluster=default=" + localURL(peer),
		"--cert-file=" + k.file("etcd.crt"),
		"--key-file=" + k.file("etcd.key"),
		"--trusted-ca-file=" + k.file("ca.crt"),
		"--client-cert-auth",
		"--peer-cert-file=" + k.file("etcd.crt"),
		"--peer-key-file=" + k.file("etcd.key"),
		"--peer-trusted-ca-file=" + k.file("ca.crt"),
		"--peer-client-cert-auth",
	}
}

// apiServerArgs returns kube-apiserver's command line.
func apiServerArgs(k *pki, etcdURL string, port int) []string {
	return []string{
		"--etcd-servers=" + etcdURL,
		"--etcd-cafile=" + k.file("ca.crt"),
		"--etcd-certfile=" + k.file("admin.crt"),
		"--etcd-keyfile=" + k.file("admin.key"),
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(port),
		// Endpoints may not hold a loopback address, so there is none to keep for
		// the service "kubernetes".
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none",
		"--tls-cert-file=" + k.file("kube-apiserver.crt"),
		"--tls-private-key-file=" + k.file("kube-apiserver.key"),
		"--client-ca-file=" + k.file("ca.crt"),
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		"--service-cluster-ip-range=" + serviceRange,
		"--service-account-issuer=" + issuer,
		"--service-account-key-file=" + k.file("tokens.key"),
		"--service-account-signing-key-file=" + k.file("tokens.key"),
		"--kubelet-client-certificate=" + k.file("admin.crt"),
		"--kubelet-client-key=" + k.file("admin.key"),
		"--kubelet-preferred-address-types=InternalIP",
		// Without it a stop waits for clients to end their watches, for as long as a
		// minute.
		"--shutdown-watch-termination-grace-period=1s",
	}
}

// auditArgs returns what has kube-apiserver audit. The log is one file however
// long it grows, since tests count its lines.
func auditArgs(policy, log string) []string {
	return []string{
		"--audit-policy-file=" + policy,
		"--audit-log-path=" + log,
		"--audit-log-format=json",
		"--audit-log-mode=blocking",
		"--audit-log-maxsize=0",
	}
}

// controllerManagerArgs returns kube-controller-manager's command line. The
// default rate limit and number of workers would be what a test measures.
func controllerManagerArgs(k *pki, kubeconfig string) []string {
	args := append(clientArgs(kubeconfig),
		"--use-service-account-credentials=true",
		"--service-account-private-key-file="+k.file("tokens.key"),
		"--root-ca-file="+k.file("ca.crt"),
		"--kube-api-qps=2000",
		"--kube-api-burst=4000",
	)
	for _, kind := range []string{"deployment", "replicaset", "statefulset", "daemonset", "job", "cron-job", "namespace"} {
		args = append(args, fmt.Sprintf("--concurrent-%s-syncs=20", kind))
	}
	return args
}

// schedulerArgs returns kube-scheduler's command line.
func schedulerArgs(kubeconfig string) []string {
	return append(clientArgs(kubeconfig), "--kube-api-qps=2000", "--kube-api-burst=4000")
}

// clientArgs is common to the components that only talk to the API server. They
// are alone, so they elect no leader, and they serve nothing.
func clientArgs(kubeconfig string) []string {
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--leader-elect=false",
		"--secure-port=0",
	}
}

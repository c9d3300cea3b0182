// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"io"
	"os"
	"slices"
)

// Options say what Start starts. The zero value is a control plane in a
// temporary folder.
type Options struct {
	// DataDir holds the cluster's data, logs and kubeconfig. It must be empty or
	// not there yet, and stays after Stop. Empty means a temporary folder, which
	// Stop removes.
	DataDir string

	// Audit has the API server write every request, with its body, to
	// Cluster.AuditLog.
	Audit bool
	// AuditPolicy replaces that policy (audit.k8s.io/v1, YAML). It implies Audit.
	AuditPolicy []byte

	// APIServerArgs are added to kube-apiserver's command line. Of a flag that is
	// given twice the last counts. Paths in them must be absolute.
	APIServerArgs []string
	// Hosts are further names and addresses for the serving certificate of the
	// API server, for a cluster that is reached by more than loopback.
	Hosts []string

	// Users are further users to make a client certificate for, with their groups.
	// See Cluster.UserKubeconfig.
	Users map[string][]string

	// Scheduler starts kube-scheduler too. Without nodes it places nothing, but it
	// says so in the pods' conditions and events.
	Scheduler bool
	// Binaries are further binaries to have at hand: kubelet, kube-proxy. See
	// Cluster.Binary.
	Binaries []string

	// Detach lets the cluster outlive this process. Open finds it again.
	Detach bool

	// Output takes the progress of builds. Nil means standard error.
	Output io.Writer
}

// binaries returns the names of the binaries that the options need.
func (o Options) binaries() []string {
	names := []string{etcd, apiServer, controllerManager, kubectl}
	if o.Scheduler {
		names = append(names, scheduler)
	}
	for _, name := range o.Binaries {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (o Options) output() io.Writer {
	if o.Output != nil {
		return o.Output
	}
	return os.Stderr
}

// auditPolicy returns the policy to audit by, nil for no audit.
func (o Options) auditPolicy() []byte {
	if o.AuditPolicy == nil && o.Audit {
		return []byte(auditEverything)
	}
	return o.AuditPolicy
}

const auditEverything = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Request
`

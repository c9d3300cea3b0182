// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"io"
	"os"

	"serviceconnector.dev/test/cluster"
)

// Options say what Start starts. The zero value is a node in a temporary folder.
type Options struct {
	// Cluster are the options of the control plane. What a node needs is added:
	// the scheduler, binaries, users, flags of the API server. Detach is refused.
	Cluster cluster.Options
	// SecretsStore runs the stand-in for the Secrets Store CSI driver, with its
	// CRD and its CSIDriver.
	SecretsStore bool
}

func (o Options) output() io.Writer {
	if o.Cluster.Output != nil {
		return o.Cluster.Output
	}
	return os.Stderr
}

// controlPlane returns the options of a control plane that has a node. Flags of
// the caller come last, so that they count.
func (o Options) controlPlane(dir string) (cluster.Options, error) {
	c := o.Cluster
	if c.Detach {
		return c, errors.New("a cluster with a node cannot be detached; leave Detach out")
	}
	c.DataDir = dir
	c.Scheduler = true
	c.Binaries = append([]string{kubelet, kubeProxy}, c.Binaries...)
	c.Hosts = append([]string{Address}, c.Hosts...)
	c.APIServerArgs = append([]string{
		// Pods reach it by the bridge, everything else by loopback.
		"--bind-address=0.0.0.0",
		"--advertise-address=" + Address,
		"--endpoint-reconciler-type=lease",
	}, c.APIServerArgs...)
	users := map[string][]string{userKubelet: {"system:nodes"}, userProxy: nil}
	for user, groups := range c.Users {
		users[user] = groups
	}
	c.Users = users
	return c, nil
}

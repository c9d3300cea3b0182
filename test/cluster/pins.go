// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	_ "embed"
	"fmt"
	"regexp"
)

// The module files are complete, so that a build resolves nothing and needs no
// network beyond the download of the modules. To move to another version: put
// the new version into the .mod file, copy it and the .sum file beside the
// tools.go of the cache folder, run "go mod tidy" there, and copy both back.
var (
	//go:embed pins/etcd.mod
	etcdMod []byte
	//go:embed pins/etcd.sum
	etcdSum []byte
	//go:embed pins/kubernetes.mod
	kubernetesMod []byte
	//go:embed pins/kubernetes.sum
	kubernetesSum []byte
)

// recipes returns how each binary is built.
func recipes() []recipe {
	return []recipe{
		{
			name:     "etcd",
			module:   "go.etcd.io/etcd/server/v3",
			mod:      etcdMod,
			sum:      etcdSum,
			packages: map[string]string{etcd: "go.etcd.io/etcd/server/v3"},
			ldflags:  func(version) string { return "-s -w" },
			cold:     "half a minute",
		},
		{
			name:   "kubernetes",
			module: "k8s.io/kubernetes",
			mod:    kubernetesMod,
			sum:    kubernetesSum,
			packages: map[string]string{
				apiServer:         "k8s.io/kubernetes/cmd/kube-apiserver",
				controllerManager: "k8s.io/kubernetes/cmd/kube-controller-manager",
				kubectl:           "k8s.io/kubernetes/cmd/kubectl",
				scheduler:         "k8s.io/kubernetes/cmd/kube-scheduler",
				"kubelet":         "k8s.io/kubernetes/cmd/kubelet",
				"kube-proxy":      "k8s.io/kubernetes/cmd/kube-proxy",
			},
			ldflags: kubernetesLdflags,
			cold:    "about 5 minutes",
		},
	}
}

// kubernetesLdflags stamps the version, as the project's own build does: clients
// and the version skew checks of the components read it.
func kubernetesLdflags(v version) string {
	const pkg = "k8s.io/component-base/version."
	return fmt.Sprintf("-s -w -X %sgitVersion=%s -X %sgitMajor=%s -X %sgitMinor=%s", pkg, v.full, pkg, v.major, pkg, v.minor)
}

// version is a module's version, as in v1.37.2.
type version struct{ full, major, minor string }

// pinnedVersion reads from a go.mod file which version of a module it requires.
func pinnedVersion(mod []byte, module string) (version, error) {
	pattern := regexp.MustCompile(`(?m)^(?:require)?\s+` + regexp.QuoteMeta(module) + ` (v(\d+)\.(\d+)\.\S+)`)
	match := pattern.FindSubmatch(mod)
	if match == nil {
		return version{}, fmt.Errorf("the pinned go.mod requires no version of %s", module)
	}
	return version{full: string(match[1]), major: string(match[2]), minor: string(match[3])}, nil
}

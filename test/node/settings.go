// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"serviceconnector.dev/test/cluster"
)

//go:embed config
var templates embed.FS

// settings are what the templates in config/ are filled with.
type settings struct {
	Dir              string
	Name             string
	Address          string
	ContainerdSocket string
	PauseImage       string
	PluginDir        string
	Network          string
	PodBridge        string
	NodeRange        string
	PodRange         string
	ServiceRange     string
	Cgroup           string
	ShimCgroup       string
	ProxyKubeconfig  string

	KubeletPort       int
	KubeletHealthPort int
	ProxyHealthPort   int
	ProxyMetricsPort  int
}

func newSettings(c *cluster.Cluster) (settings, error) {
	ports, err := cluster.FreePorts(4)
	if err != nil {
		return settings{}, err
	}
	return settings{
		Dir:               c.Dir,
		Name:              Name,
		Address:           Address,
		ContainerdSocket:  filepath.Join(c.Dir, "containerd.sock"),
		PauseImage:        pauseImage,
		PluginDir:         pluginDir(),
		Network:           network,
		PodBridge:         podBridge,
		NodeRange:         nodeRange,
		PodRange:          podRange,
		ServiceRange:      serviceRange,
		Cgroup:            nodeCgroup,
		ShimCgroup:        shimCgroup,
		ProxyKubeconfig:   c.UserKubeconfig(userProxy),
		KubeletPort:       ports[0],
		KubeletHealthPort: ports[1],
		ProxyHealthPort:   ports[2],
		ProxyMetricsPort:  ports[3],
	}, nil
}

// files says where each filled template goes in the data folder.
var files = map[string]string{
	"containerd.toml":  "containerd.toml",
	"kubelet.yaml":     "kubelet.yaml",
	"kube-proxy.yaml":  "kube-proxy.yaml",
	"network.conflist": "cni/10-network.conflist",
}

// write fills the templates.
func (s settings) write() error {
	for name, target := range files {
		if err := s.fill(name, filepath.Join(s.Dir, target)); err != nil {
			return fmt.Errorf("writing %s: %w", target, err)
		}
	}
	return nil
}

func (s settings) fill(name, path string) error {
	filled, err := template.ParseFS(templates, "config/"+name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := filled.Execute(file, s); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

// file returns the path of a filled template.
func (s settings) file(name string) string { return filepath.Join(s.Dir, files[name]) }

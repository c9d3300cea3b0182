// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package product

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"serviceconnector.dev/test/cluster"
)

// Namespace is where the product is installed.
const Namespace = "sc-system"

// buildTimeout bounds the build of one command.
const buildTimeout = 10 * time.Minute

// Options say how the product is started.
type Options struct {
	// Args are added to the webhook's command line, Env to its environment.
	Args, Env []string
}

// Product is an installed product with one running webhook.
type Product struct {
	// Cluster is where it is installed.
	Cluster *cluster.Cluster
	// URL is where the webhook listens, without a path.
	URL string
	// Metrics is the URL of its metrics.
	Metrics string
	// Log is the path of its log.
	Log string

	// Health is the URL of its readiness.
	Health string

	args    []string
	env     []string
	webhook *cluster.Program
}

// Start installs the product and waits until the webhook is ready.
func Start(ctx context.Context, c *cluster.Cluster, o Options) (*Product, error) {
	p := &Product{Cluster: c, args: o.Args, env: o.Env}
	ports, err := p.ports()
	if err != nil {
		return nil, err
	}
	if err := p.install(ctx); err != nil {
		return nil, fmt.Errorf("installing the product: %w", err)
	}
	return p, p.run(ctx, "webhook", ports)
}

// Replica starts another webhook beside the first, the nth, except that the API
// server does not ask it.
func (p *Product) Replica(ctx context.Context, n int) (*Product, error) {
	replica := &Product{Cluster: p.Cluster, args: p.args, env: p.env}
	ports, err := replica.ports()
	if err != nil {
		return nil, err
	}
	return replica, replica.run(ctx, fmt.Sprintf("webhook-%d", n), ports)
}

// ports chooses where the webhook listens.
func (p *Product) ports() ([]int, error) {
	ports, err := cluster.FreePorts(3)
	if err != nil {
		return nil, err
	}
	p.URL = fmt.Sprintf("https://127.0.0.1:%d", ports[0])
	p.Metrics = fmt.Sprintf("http://127.0.0.1:%d/metrics", ports[1])
	p.Health = fmt.Sprintf("http://127.0.0.1:%d/readyz", ports[2])
	return ports, nil
}

// install applies the CRDs and the configuration.
func (p *Product) install(ctx context.Context) error {
	root, err := Root(ctx)
	if err != nil {
		return err
	}
	if err := p.apply(ctx, root); err != nil {
		return err
	}
	_, err = p.Cluster.Kubectl(ctx, "wait", "--for=condition=Established", "--timeout=30s",
		"crd/connections.serviceconnector.dev", "crd/clusterconnections.serviceconnector.dev")
	return err
}

// run builds the webhook and starts it with its own rights.
func (p *Product) run(ctx context.Context, name string, ports []int) error {
	args := append([]string{
		"--listen", fmt.Sprintf("127.0.0.1:%d", ports[0]), "--host", "127.0.0.1",
		"--metrics", fmt.Sprintf("127.0.0.1:%d", ports[1]),
		"--health", fmt.Sprintf("127.0.0.1:%d", ports[2]),
		"--namespace", Namespace, "--log-level", "debug",
	}, p.args...)
	binary, err := build(ctx, filepath.Join(p.Cluster.Dir, "webhook"))
	if err != nil {
		return err
	}
	kubeconfig, err := p.Cluster.KubeconfigFor(ctx, Namespace, "service-connector")
	if err != nil {
		return err
	}
	p.webhook, err = p.Cluster.Run(ctx, cluster.ProgramSpec{
		Name:  name,
		Path:  binary,
		Args:  append([]string{"--kubeconfig", kubeconfig}, args...),
		Env:   p.env,
		Ready: p.ready,
	})
	if err != nil {
		return err
	}
	p.Log = p.webhook.Log()
	return nil
}

func (p *Product) ready(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Health, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the webhook is not ready: %s", response.Status)
	}
	return nil
}

// Stop ends the webhook as a platform does, Kill as an accident does.
func (p *Product) Stop() error { return p.webhook.Stop() }

// Kill ends the webhook without notice.
func (p *Product) Kill() error { return p.webhook.Kill() }

// Restart starts the webhook again after Stop or Kill.
func (p *Product) Restart(ctx context.Context) error { return p.webhook.Start(ctx) }

// Root returns the folder of the product's module.
func Root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "serviceconnector.dev").Output()
	if err != nil {
		return "", fmt.Errorf("finding the product's module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

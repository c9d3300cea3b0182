// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// portAttempts is how often a component is started anew when somebody else took
// its port.
const portAttempts = 5

// component is a program to start.
type component struct {
	name string
	args []string
	// ready returns nil once the component can be used.
	ready func(context.Context) error
}

// start starts the components in order.
func (c *Cluster) start(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	k, err := newPKI(filepath.Join(c.Dir, "pki"), o.Hosts, o.Users, time.Now())
	if err != nil {
		return fmt.Errorf("making certificates: %w", err)
	}
	extra, err := c.auditing(o.auditPolicy())
	if err != nil {
		return err
	}
	etcdURL, err := c.startEtcd(ctx, k)
	if err != nil {
		return err
	}
	if err := c.startAPIServer(ctx, k, etcdURL, append(extra, o.APIServerArgs...)); err != nil {
		return err
	}
	if err := c.startControllers(ctx, k, o); err != nil {
		return err
	}
	c.complete = true
	return c.saveState()
}

// auditing writes the audit policy and returns the API server's flags for it.
func (c *Cluster) auditing(policy []byte) ([]string, error) {
	if policy == nil {
		return nil, nil
	}
	path := filepath.Join(c.Dir, "audit-policy.yaml")
	if err := os.WriteFile(path, policy, 0o600); err != nil {
		return nil, fmt.Errorf("writing the audit policy: %w", err)
	}
	c.AuditLog = filepath.Join(c.Dir, "audit.log")
	return auditArgs(path, c.AuditLog), nil
}

func (c *Cluster) startEtcd(ctx context.Context, k *pki) (url string, err error) {
	healthy, err := etcdHealth(k)
	if err != nil {
		return "", err
	}
	err = c.onFreePorts(ctx, 2, freePorts, func(ports []int) (component, error) {
		url = localURL(ports[0])
		ready := func(ctx context.Context) error { return healthy(ctx, url) }
		return component{name: etcd, args: etcdArgs(c.Dir, k, ports[0], ports[1]), ready: ready}, nil
	})
	return url, err
}

func (c *Cluster) startAPIServer(ctx context.Context, k *pki, etcdURL string, extra []string) error {
	return c.onFreePorts(ctx, 1, freePorts, func(ports []int) (component, error) {
		c.URL = localURL(ports[0])
		args := append(apiServerArgs(k, etcdURL, ports[0]), extra...)
		return component{name: apiServer, args: args, ready: c.apiServerReady}, c.writeKubeconfigs(k)
	})
}

// startControllers starts what works on the API's objects.
func (c *Cluster) startControllers(ctx context.Context, k *pki, o Options) error {
	components := []component{{
		name:  controllerManager,
		args:  controllerManagerArgs(k, c.kubeconfig(userControllerManager)),
		ready: c.namespaceReady,
	}}
	if o.Scheduler {
		components = append(components, component{
			name:  scheduler,
			args:  schedulerArgs(c.kubeconfig(userScheduler)),
			ready: func(context.Context) error { return nil },
		})
	}
	for _, next := range components {
		if err := c.startOne(ctx, next); err != nil {
			return err
		}
	}
	return nil
}

// writeKubeconfigs writes the kubeconfig of each user and takes up the
// administrator's.
func (c *Cluster) writeKubeconfigs(k *pki) (err error) {
	for user, pair := range k.clients {
		a := access{url: c.URL, ca: k.ca, namespace: "default", user: certificateUser(pair)}
		if err := a.write(c.kubeconfig(user)); err != nil {
			return err
		}
	}
	c.Kubeconfig = c.kubeconfig(userAdmin)
	c.config, err = loadConfig(c.Kubeconfig)
	return err
}

// kubeconfig returns the path of a user's kubeconfig.
func (c *Cluster) kubeconfig(user string) string {
	return filepath.Join(c.Dir, strings.ReplaceAll(user, ":", "-")+".kubeconfig")
}

// onFreePorts starts a component on ports that pick finds, and on others when it
// lost a port before it could listen.
func (c *Cluster) onFreePorts(ctx context.Context, n int, pick func(int) ([]int, error), compose func([]int) (component, error)) error {
	var lost error
	for range portAttempts {
		ports, err := pick(n)
		if err != nil {
			return err
		}
		next, err := compose(ports)
		if err != nil {
			return err
		}
		lost = c.startOne(ctx, next)
		if !errors.Is(lost, errPortTaken) {
			return lost
		}
		c.processes = c.processes[:len(c.processes)-1]
	}
	return lost
}

// startOne starts a component and waits until it is ready.
func (c *Cluster) startOne(ctx context.Context, next component) error {
	p, err := run(record{
		Name: next.name,
		Path: c.binaries[next.name],
		Args: next.args,
		Log:  filepath.Join(c.Dir, next.name+".log"),
	}, c.detach)
	if err != nil {
		return err
	}
	p.ready = next.ready
	c.processes = append(c.processes, p)
	if err := c.saveState(); err != nil {
		return err
	}
	return await(ctx, p, next.ready)
}

// await waits until a started process is ready.
func await(ctx context.Context, p *process, ready func(context.Context) error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	var last error
	for {
		if !p.running() {
			return endedEarly(p)
		}
		if last = try(ctx, ready); last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return tooLate(ctx, p, last)
		case <-ticker.C:
		}
	}
}

// tooLate says why the wait for a process was given up. Who interrupts it needs no
// explanation.
func tooLate(ctx context.Context, p *process, last error) error {
	err := fmt.Errorf("waiting for %s: %w", p.Name, interruption(ctx))
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w; last seen: %w; the end of its log:\n%s", err, last, p.tail())
}

// interruption returns why a context ended, which includes the context's own
// error.
func interruption(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return ctx.Err()
}

// try asks once, and not for long.
func try(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return ready(ctx)
}

// endedEarly says why a process ended before it was ready.
func endedEarly(p *process) error {
	tail := p.tail()
	if strings.Contains(tail, "address already in use") {
		return fmt.Errorf("starting %s: %w; the end of its log:\n%s", p.Name, errPortTaken, tail)
	}
	return fmt.Errorf("starting %s: it ended before it was ready; the end of its log:\n%s", p.Name, tail)
}

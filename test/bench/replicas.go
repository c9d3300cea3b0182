// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/test/product"
)

// configuration is the name of the product's webhook configuration.
const configuration = "admission.serviceconnector.dev"

// replicas starts further replicas of the webhook, and has the API server's
// connections go to each by turns, as a Service would.
func (w *world) replicas(ctx context.Context, total int) error {
	all := []*product.Product{w.product}
	for n := 2; n <= total; n++ {
		replica, err := w.product.Replica(ctx, n)
		if err != nil {
			return err
		}
		all = append(all, replica)
	}
	addresses := make([]string, len(all))
	for i, replica := range all {
		addresses[i] = strings.TrimPrefix(replica.URL, "https://")
	}
	front, err := spread(addresses)
	if err != nil {
		return err
	}
	var c admissionregistrationv1.MutatingWebhookConfiguration
	if err := w.objects.Get(ctx, client.ObjectKey{Name: configuration}, &c); err != nil {
		return err
	}
	for i := range c.Webhooks {
		url := strings.Replace(*c.Webhooks[i].ClientConfig.URL, addresses[0], front, 1)
		c.Webhooks[i].ClientConfig.URL = &url
	}
	return w.objects.Update(ctx, &c)
}

// spread listens on loopback for as long as this process runs, and passes each
// connection on to the next of the addresses.
func spread(addresses []string) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // for the life of the process
	if err != nil {
		return "", err
	}
	var next atomic.Uint64
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go pass(connection, addresses[next.Add(1)%uint64(len(addresses))])
		}
	}()
	return listener.Addr().String(), nil
}

// pass copies both ways until one side ends.
func pass(from net.Conn, address string) {
	defer func() { _ = from.Close() }()
	to, err := net.Dial("tcp", address) //nolint:noctx // loopback
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
}

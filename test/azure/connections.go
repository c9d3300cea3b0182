// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// WrongCertificate says whether a certificate of another authority is served.
// Either way the connections there are end, so that clients see the change.
func (c *Cloud) WrongCertificate(wrong bool) {
	c.serveWrong.Store(wrong)
	c.connections.closeAll()
}

func (c *Cloud) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.serveWrong.Load() {
		return c.wrong, nil
	}
	return c.right, nil
}

// connections are those that are open.
type connections struct {
	mu   sync.Mutex
	open map[net.Conn]struct{}
}

func (o *connections) note(connection net.Conn, state http.ConnState) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch state {
	case http.StateNew:
		if o.open == nil {
			o.open = map[net.Conn]struct{}{}
		}
		o.open[connection] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		delete(o.open, connection)
	}
}

func (o *connections) closeAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for connection := range o.open {
		_ = connection.Close()
	}
}

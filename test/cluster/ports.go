// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are taken from below the range that the kernel gives to outgoing
// connections. From within it, a client that retries while the API server is
// down could be given the server's own port, and keep it from coming back.
const (
	firstPort = 20000
	lastPort  = 32000
)

// errPortTaken says that a component lost the race for a port.
var errPortTaken = errors.New("port taken meanwhile")

// freePorts returns n different loopback ports on which nobody listens. That can
// change before they are used.
func freePorts(n int) ([]int, error) {
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			_ = l.Close()
		}
	}()
	var ports []int
	for range lastPort - firstPort {
		if len(ports) == n {
			return ports, nil
		}
		port := firstPort + rand.IntN(lastPort-firstPort)
		// The listeners stay open until all are found, so none is found twice.
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		listeners = append(listeners, l)
		ports = append(ports, port)
	}
	return nil, fmt.Errorf("no free port between %d and %d on 127.0.0.1", firstPort, lastPort)
}

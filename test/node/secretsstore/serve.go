// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	registerapi "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// serve serves the driver until the context ends. The registration comes second:
// the kubelet calls the driver as soon as it sees it.
func serve(ctx context.Context, socket, registration string, d *driver) error {
	services := grpc.NewServer(grpc.UnaryInterceptor(d.logged))
	csi.RegisterIdentityServer(services, d)
	csi.RegisterNodeServer(services, d)
	registrar := grpc.NewServer()
	registerapi.RegisterRegistrationServer(registrar, &registrations{socket: socket})
	ended := make(chan error, 2)
	for _, s := range []struct {
		path   string
		server *grpc.Server
	}{{socket, services}, {registration, registrar}} {
		listener, err := listen(ctx, s.path)
		if err != nil {
			return err
		}
		go func() { ended <- s.server.Serve(listener) }()
		defer s.server.Stop()
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}

// listen listens on a socket, in place of one that a killed process left.
func listen(ctx context.Context, path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var config net.ListenConfig
	return config.Listen(ctx, "unix", path)
}

// logged logs what the kubelet asked for and what was wrong, without contents.
func (d *driver) logged(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	answer, err := handle(ctx, request)
	if err != nil {
		fmt.Fprintf(d.log, "%s: %v\n", info.FullMethod, err)
	} else {
		fmt.Fprintf(d.log, "%s\n", info.FullMethod)
	}
	return answer, err
}

// registrations answers the kubelet's plugin watcher.
type registrations struct {
	registerapi.UnimplementedRegistrationServer

	socket string
}

// GetInfo says who is there.
func (r *registrations) GetInfo(context.Context, *registerapi.InfoRequest) (*registerapi.PluginInfo, error) {
	return &registerapi.PluginInfo{
		Type:              registerapi.CSIPlugin,
		Name:              driverName,
		Endpoint:          r.socket,
		SupportedVersions: []string{"1.0.0"},
	}, nil
}

// NotifyRegistrationStatus hears whether the kubelet accepts it. Who starts the
// driver waits for the CSINode and needs no word of it.
func (r *registrations) NotifyRegistrationStatus(context.Context, *registerapi.RegistrationStatus) (*registerapi.RegistrationStatusResponse, error) {
	return &registerapi.RegistrationStatusResponse{}, nil
}

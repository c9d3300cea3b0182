// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const driverName = "secrets-store.csi.k8s.io"

// Attributes of a volume. The first is the author's, the others the kubelet's.
const (
	attributeClass     = "secretProviderClass"
	attributePod       = "csi.storage.k8s.io/pod.name"
	attributeNamespace = "csi.storage.k8s.io/pod.namespace"
	attributeTokens    = "csi.storage.k8s.io/serviceAccount.tokens"
)

// driver is the CSI driver: its identity service and its node service.
type driver struct {
	csi.UnimplementedIdentityServer
	csi.UnimplementedNodeServer

	node    string
	objects *objects
	log     io.Writer
}

// GetPluginInfo names the driver.
func (d *driver) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: driverName, VendorVersion: "stand-in"}, nil
}

// GetPluginCapabilities says that there are none.
func (d *driver) GetPluginCapabilities(context.Context, *csi.GetPluginCapabilitiesRequest) (*csi.GetPluginCapabilitiesResponse, error) {
	return &csi.GetPluginCapabilitiesResponse{}, nil
}

// Probe says that the driver can be used.
func (d *driver) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{}, nil
}

// NodeGetInfo names the node.
func (d *driver) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: d.node}, nil
}

// NodeGetCapabilities says that there are none: nothing is staged.
func (d *driver) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	return &csi.NodeGetCapabilitiesResponse{}, nil
}

// NodePublishVolume gives a pod its files. The kubelet calls it until it succeeds.
func (d *driver) NodePublishVolume(ctx context.Context, r *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	attributes := r.GetVolumeContext()
	if r.GetTargetPath() == "" {
		return nil, status.Error(codes.InvalidArgument, "Target path missing in request")
	}
	if !r.GetReadonly() {
		return nil, status.Error(codes.InvalidArgument, "Readonly is not true in request")
	}
	if attributes[attributeClass] == "" {
		return nil, errors.New("secretProviderClass is not set")
	}
	if err := d.publish(ctx, r.GetTargetPath(), attributes); err != nil {
		return nil, fmt.Errorf("failed to mount secrets store objects for pod %s/%s, err: %w",
			attributes[attributeNamespace], attributes[attributePod], err)
	}
	return &csi.NodePublishVolumeResponse{}, nil
}

// publish reads everything before it mounts anything, so that a pod has all of its
// files or none.
func (d *driver) publish(ctx context.Context, target string, attributes map[string]string) error {
	namespace := attributes[attributeNamespace]
	class, err := d.objects.class(ctx, namespace, attributes[attributeClass])
	if err != nil {
		return fmt.Errorf("failed to get secretproviderclass %s/%s, error: %w", namespace, attributes[attributeClass], err)
	}
	request, err := class.request(attributes[attributeTokens])
	if err != nil {
		return err
	}
	files, err := d.objects.fetch(ctx, request)
	if err != nil {
		return fmt.Errorf("rpc error: code = Unknown desc = failed to mount objects, error: %w", err)
	}
	if err := mountFiles(ctx, target, files); err != nil {
		return err
	}
	return d.objects.sync(ctx, namespace, attributes[attributePod], class.Spec.SecretObjects, files)
}

// NodeUnpublishVolume takes the files away.
func (d *driver) NodeUnpublishVolume(ctx context.Context, r *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	mounted, err := isMounted(r.GetTargetPath())
	if err != nil {
		return nil, err
	}
	if mounted {
		if err := command(ctx, "umount", r.GetTargetPath()); err != nil {
			return nil, err
		}
	}
	if err := os.Remove(r.GetTargetPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

// mountFiles mounts a tmpfs, if it is not mounted, and writes the files into it.
func mountFiles(ctx context.Context, target string, files map[string][]byte) error {
	if err := os.MkdirAll(target, 0o750); err != nil {
		return err
	}
	mounted, err := isMounted(target)
	if err != nil {
		return err
	}
	if !mounted {
		if err := command(ctx, "mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", target); err != nil {
			return err
		}
	}
	for name, content := range files {
		path := filepath.Join(target, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func isMounted(target string) (bool, error) {
	raw, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return false, err
	}
	// The kernel writes a blank in a path like this.
	return strings.Contains(string(raw), " "+strings.ReplaceAll(target, " ", `\040`)+" "), nil
}

func command(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

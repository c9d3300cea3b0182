// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/json"
	"fmt"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Labels that the kubelet gives to containers.
const (
	labelNamespace = "io.kubernetes.pod.namespace"
	labelPod       = "io.kubernetes.pod.name"
	labelContainer = "io.kubernetes.container.name"
)

// KillContainer ends the first process of a running container without notice
// (SIGKILL), and with it the container. The kubelet does what the pod's
// restartPolicy says. It returns once the signal is sent.
func (n *Node) KillContainer(ctx context.Context, namespace, pod, container string) error {
	pid, err := n.containerProcess(ctx, namespace, pod, container)
	if err == nil {
		err = killMember(pid)
	}
	if err != nil {
		return fmt.Errorf("killing container %s of pod %s/%s: %w", container, namespace, pod, err)
	}
	return nil
}

// containerProcess returns the number of a running container's first process.
func (n *Node) containerProcess(ctx context.Context, namespace, pod, container string) (int, error) {
	connection, err := n.dial()
	if err != nil {
		return 0, err
	}
	defer func() { _ = connection.Close() }()
	client := runtimeapi.NewRuntimeServiceClient(connection)
	list, err := client.ListContainers(ctx, &runtimeapi.ListContainersRequest{Filter: &runtimeapi.ContainerFilter{
		State:         &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_RUNNING},
		LabelSelector: map[string]string{labelNamespace: namespace, labelPod: pod, labelContainer: container},
	}})
	if err != nil {
		return 0, err
	}
	if len(list.Containers) != 1 {
		return 0, fmt.Errorf("%d such containers run, not one", len(list.Containers))
	}
	status, err := client.ContainerStatus(ctx, &runtimeapi.ContainerStatusRequest{ContainerId: list.Containers[0].Id, Verbose: true})
	if err != nil {
		return 0, err
	}
	return parseProcess(status.Info["info"])
}

// parseProcess reads what containerd says of a container beyond the CRI.
func parseProcess(info string) (int, error) {
	var parsed struct {
		PID int `json:"pid"`
	}
	if err := json.Unmarshal([]byte(info), &parsed); err != nil {
		return 0, fmt.Errorf("reading containerd's answer: %w", err)
	}
	if parsed.PID <= 1 {
		return 0, fmt.Errorf("containerd says that its process is %d", parsed.PID)
	}
	return parsed.PID, nil
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"fmt"
	"slices"
)

const (
	// SchedulingGate keeps a pod from being scheduled until what its connections need
	// is there. Who puts it on a pod sees to it that it is taken off.
	SchedulingGate = "serviceconnector.dev/provisioning"
	// LabelGated marks a pod with the gate, so that it is found without looking at
	// all pods.
	LabelGated = "serviceconnector.dev/gated"
)

// gating is the part of a pod that matters where it has to wait, and is read there
// only.
type gating struct {
	NodeName        string `json:"nodeName"`
	SchedulingGates []gate `json:"schedulingGates"`
}

type gate struct {
	Name string `json:"name"`
}

// gateOperations let a pod wait if one of the injections has to be waited for. A pod
// that names its node is never scheduled, and so never waits: the API server refuses a
// gate on it. Source: KEP-3521, Pod Scheduling Readiness.
func gateOperations(pod Pod, injections []Injection) (Patch, error) {
	if !slices.ContainsFunc(injections, func(i Injection) bool { return i.Wait }) {
		return nil, nil
	}
	var read struct {
		Spec gating `json:"spec"`
	}
	if err := Decode(pod.raw, &read); err != nil {
		return nil, fmt.Errorf("decoding the pod: %w", err)
	}
	if read.Spec.NodeName != "" {
		return nil, nil
	}
	var patch Patch
	if pod.Metadata.Labels[LabelGated] != "true" {
		// There are labels: who waits has that of workload identity, by now.
		patch = append(patch, add("/metadata/labels/"+escape(LabelGated), "true"))
	}
	if !slices.Contains(read.Spec.SchedulingGates, gate{SchedulingGate}) {
		patch = append(patch, push("/spec/schedulingGates", len(read.Spec.SchedulingGates), gate{SchedulingGate}))
	}
	return patch, nil
}

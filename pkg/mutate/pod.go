// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import "fmt"

// mirrorAnnotation marks the API server's copy of a static pod, which may name
// neither secrets nor service accounts. Source: k8s.io/api core/v1
// MirrorPodAnnotationKey.
const mirrorAnnotation = "kubernetes.io/config.mirror"

// defaultServiceAccount is what the API server fills in for a pod that names no
// service account, before any webhook is called.
const defaultServiceAccount = "default"

// Pod is the part of a pod that injection reads. All else stays unread, and
// therefore untouched.
type Pod struct {
	Metadata Metadata `json:"metadata"`
	Spec     PodSpec  `json:"spec"`

	// raw is what the pod was decoded from.
	raw []byte
}

// Metadata is the part of an object's metadata that is read.
type Metadata struct {
	Annotations map[string]string `json:"annotations"`
	Labels      map[string]string `json:"labels"`
}

// PodSpec is the part of a pod's spec that is read.
type PodSpec struct {
	ServiceAccountName string      `json:"serviceAccountName"`
	InitContainers     []Container `json:"initContainers"`
	Containers         []Container `json:"containers"`
	Volumes            []Volume    `json:"volumes"`
}

// Container is the part of a container that is read of every pod.
type Container struct {
	Name    string          `json:"name"`
	EnvFrom []EnvFromSource `json:"envFrom"`
}

// mounting is the part of a container that matters where files are mounted. It is
// read there, and only there: it is the longest part of most pods.
type mounting struct {
	Env          []EnvVar      `json:"env"`
	VolumeMounts []VolumeMount `json:"volumeMounts"`
}

// mountings are those of a pod's containers, in their order.
type mountings struct {
	InitContainers []mounting `json:"initContainers"`
	Containers     []mounting `json:"containers"`
}

// mountings reads those of the pod.
func (p Pod) mountings() (mountings, error) {
	var pod struct {
		Spec mountings `json:"spec"`
	}
	if err := Decode(p.raw, &pod); err != nil {
		return mountings{}, fmt.Errorf("decoding the pod: %w", err)
	}
	return pod.Spec, nil
}

// EnvVar is one entry of a container's env.
type EnvVar struct {
	Name      string    `json:"name"`
	Value     string    `json:"value"`
	ValueFrom *struct{} `json:"valueFrom"`
}

// Volume is one of a pod's volumes.
type Volume struct {
	Name   string        `json:"name"`
	Secret *SecretVolume `json:"secret"`
	CSI    *CSIVolume    `json:"csi"`
}

// SecretVolume is a volume of a Secret's keys.
type SecretVolume struct {
	SecretName string `json:"secretName"`
}

// CSIVolume is a volume of a CSI driver.
type CSIVolume struct {
	Driver           string            `json:"driver"`
	VolumeAttributes map[string]string `json:"volumeAttributes"`
}

// VolumeMount is one of a container's mounts.
type VolumeMount struct {
	Name      string `json:"name"`
	MountPath string `json:"mountPath"`
	ReadOnly  bool   `json:"readOnly"`
}

// EnvFromSource is one entry of a container's envFrom.
type EnvFromSource struct {
	Prefix    string           `json:"prefix"`
	SecretRef *SecretReference `json:"secretRef"`
}

// SecretReference names a Secret.
type SecretReference struct {
	Name string `json:"name"`
}

// DecodePod reads a pod as the API server sends it: JSON, with exact field
// names.
func DecodePod(raw []byte) (Pod, error) {
	pod, scanned := scanPod(raw)
	if !scanned {
		pod = Pod{}
		if err := Decode(raw, &pod); err != nil {
			return Pod{}, fmt.Errorf("decoding the pod: %w", err)
		}
	}
	pod.raw = raw
	return pod, nil
}

// Mirror reports whether the pod is the API server's copy of a static pod.
func (p Pod) Mirror() bool {
	_, ok := p.Metadata.Annotations[mirrorAnnotation]
	return ok
}

// ServiceAccount returns the service account that the author chose, or "" for
// none. default counts as none: the API server fills it in.
func (p Pod) ServiceAccount() string {
	if p.Spec.ServiceAccountName == defaultServiceAccount {
		return ""
	}
	return p.Spec.ServiceAccountName
}

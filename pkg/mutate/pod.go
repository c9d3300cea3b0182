// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"fmt"

	"sigs.k8s.io/json"
)

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

// Container is the part of a container that is read.
type Container struct {
	Name    string          `json:"name"`
	EnvFrom []EnvFromSource `json:"envFrom"`
	// Env and VolumeMounts are decoded where files are mounted, and only there:
	// they are the longest part of most pods.
	Env          Raw[EnvVar]      `json:"env"`
	VolumeMounts Raw[VolumeMount] `json:"volumeMounts"`
}

// Raw is a list that is decoded when it is needed. The zero value is empty.
type Raw[T any] struct{ raw []byte }

// UnmarshalJSON keeps the list as it is.
func (r *Raw[T]) UnmarshalJSON(raw []byte) error {
	r.raw = append(r.raw[:0], raw...)
	return nil
}

// Decode returns the entries.
func (r Raw[T]) Decode() ([]T, error) {
	if r.raw == nil {
		return nil, nil
	}
	var entries []T
	if err := json.UnmarshalCaseSensitivePreserveInts(r.raw, &entries); err != nil {
		return nil, fmt.Errorf("decoding the pod: %w", err)
	}
	return entries, nil
}

// EnvVar is one entry of a container's env.
type EnvVar struct {
	Name      string    `json:"name"`
	Value     string    `json:"value"`
	ValueFrom *struct{} `json:"valueFrom"`
}

// Volume is one of a pod's volumes.
type Volume struct {
	Name   string `json:"name"`
	Secret *struct {
		SecretName string `json:"secretName"`
	} `json:"secret"`
	CSI *struct {
		Driver           string            `json:"driver"`
		VolumeAttributes map[string]string `json:"volumeAttributes"`
	} `json:"csi"`
}

// VolumeMount is one of a container's mounts.
type VolumeMount struct {
	Name      string `json:"name"`
	MountPath string `json:"mountPath"`
	ReadOnly  bool   `json:"readOnly"`
}

// EnvFromSource is one entry of a container's envFrom.
type EnvFromSource struct {
	Prefix    string `json:"prefix"`
	SecretRef *struct {
		Name string `json:"name"`
	} `json:"secretRef"`
}

// DecodePod reads a pod as the API server sends it: JSON, with exact field
// names.
func DecodePod(raw []byte) (Pod, error) {
	var pod Pod
	if err := json.UnmarshalCaseSensitivePreserveInts(raw, &pod); err != nil {
		return Pod{}, fmt.Errorf("decoding the pod: %w", err)
	}
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

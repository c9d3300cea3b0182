// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"path"
	"slices"
	"strings"
)

const (
	// bindingRootVariable says where the files of bindings are, and
	// defaultBindingRoot where that is unless the author says otherwise. Source:
	// Service Binding specification, sections Workload Projection and Reconciler
	// Implementation.
	bindingRootVariable = "SERVICE_BINDING_ROOT"
	defaultBindingRoot  = "/bindings"

	// secretsStoreDriver mounts what a SecretProviderClass describes. Source: the
	// Secrets Store CSI driver's documentation.
	secretsStoreDriver = "secrets-store.csi.k8s.io"
	providerClassKey   = "secretProviderClass"
	volumePrefix       = "sc-"
)

// Files is a volume and where it is mounted, always read-only. Exactly one of
// Secret and ProviderClass is set.
type Files struct {
	// Secret is a Secret whose keys become files.
	Secret string
	// ProviderClass is a SecretProviderClass whose objects become files.
	ProviderClass string
	// Path is where the files are mounted; "" means below the container's
	// SERVICE_BINDING_ROOT, in a folder named after the connection.
	Path string
}

// The shapes that are added to a pod. Source: k8s.io/api core/v1.
type (
	volume struct {
		Name   string        `json:"name"`
		Secret *secretVolume `json:"secret,omitempty"`
		CSI    *csiVolume    `json:"csi,omitempty"`
	}
	secretVolume struct {
		SecretName string `json:"secretName"`
	}
	csiVolume struct {
		Driver           string            `json:"driver"`
		ReadOnly         bool              `json:"readOnly"`
		VolumeAttributes map[string]string `json:"volumeAttributes"`
	}
	volumeMount struct {
		Name      string `json:"name"`
		MountPath string `json:"mountPath"`
		ReadOnly  bool   `json:"readOnly"`
	}
	envVar struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
)

// volumeOperations adds the volumes that the pod lacks.
func volumeOperations(present []Volume, injections []Injection) (Patch, error) {
	var patch Patch
	n := len(present)
	for _, injection := range injections {
		if injection.Files == nil {
			continue
		}
		wanted := injection.volume()
		i := slices.IndexFunc(present, func(v Volume) bool { return v.Name == wanted.Name })
		if i < 0 {
			patch = append(patch, push("/spec/volumes", n, wanted))
			n++
			continue
		}
		if !sameSource(present[i], *injection.Files) {
			return nil, Deny(ReasonVolume, "connection %q needs a volume named %s, but the pod has another one of that name; rename it",
				injection.Connection, wanted.Name)
		}
	}
	return patch, nil
}

func (i Injection) volume() volume {
	v := volume{Name: volumePrefix + i.Connection}
	if i.Files.Secret != "" {
		v.Secret = &secretVolume{SecretName: i.Files.Secret}
		return v
	}
	v.CSI = &csiVolume{Driver: secretsStoreDriver, ReadOnly: true, VolumeAttributes: map[string]string{providerClassKey: i.Files.ProviderClass}}
	return v
}

func sameSource(v Volume, files Files) bool {
	if files.Secret != "" {
		return v.Secret != nil && v.Secret.SecretName == files.Secret
	}
	return v.CSI != nil && v.CSI.Driver == secretsStoreDriver && v.CSI.VolumeAttributes[providerClassKey] == files.ProviderClass
}

// mountOperations mounts the files that a container lacks and, where they are
// below SERVICE_BINDING_ROOT, sets that unless the author did.
func mountOperations(at, container string, m mounting, injections []Injection) (Patch, error) {
	env, present := m.Env, m.VolumeMounts
	root, known := bindingRoot(env)
	var patch Patch
	rooted, n := false, len(present)
	for _, injection := range injections {
		if injection.Files == nil {
			continue
		}
		mount := volumeMount{Name: volumePrefix + injection.Connection, MountPath: injection.Files.Path, ReadOnly: true}
		if mount.MountPath == "" {
			if !known {
				return nil, Deny(ReasonVolume, "container %s takes %s from elsewhere, so that it is not known where the files of connection %q belong; write it as a plain value",
					Quote(container), bindingRootVariable, injection.Connection)
			}
			mount.MountPath, rooted = path.Join(root, injection.Connection), true
		}
		mounted, err := isMounted(container, present, mount)
		if err != nil {
			return nil, err
		}
		if !mounted {
			patch = append(patch, push(at+"/volumeMounts", n, mount))
			present = append(present, VolumeMount{Name: mount.Name, MountPath: mount.MountPath, ReadOnly: true})
			n++
		}
	}
	if rooted && !slices.ContainsFunc(env, func(v EnvVar) bool { return v.Name == bindingRootVariable }) {
		patch = prepend(patch, at+"/env", len(env), []envVar{{Name: bindingRootVariable, Value: root}})
	}
	return patch, nil
}

// isMounted reports whether a container has a mount already. Another one in its
// place is denied, and so is one that lies inside of it or that it would lie
// inside of, read-only as they are: the container could not start.
func isMounted(container string, present []VolumeMount, wanted volumeMount) (bool, error) {
	place := path.Clean(wanted.MountPath)
	for _, mount := range present {
		there := path.Clean(mount.MountPath)
		switch {
		case mount.Name == wanted.Name && there == place:
			return true, nil
		case there == place, inside(there, place), mount.ReadOnly && inside(place, there):
			return false, Deny(ReasonVolume, "container %s mounts volume %s at %s, which is in the way of volume %s at %s; mount it elsewhere",
				Quote(container), Quote(mount.Name), Cut(mount.MountPath), wanted.Name, Cut(place))
		}
	}
	return false, nil
}

// inside reports whether a clean path lies below another one.
func inside(place, folder string) bool {
	return strings.HasPrefix(place, strings.TrimSuffix(folder, "/")+"/")
}

// bindingRoot returns where a container has its bindings. known is false where
// the author has it set at run time.
func bindingRoot(env []EnvVar) (root string, known bool) {
	root = defaultBindingRoot
	for _, variable := range env {
		if variable.Name == bindingRootVariable { // of several the last counts
			if variable.ValueFrom != nil || !path.IsAbs(variable.Value) || strings.Contains(variable.Value, "$(") {
				return "", false
			}
			root = variable.Value
		}
	}
	return root, true
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"slices"
	"strconv"
	"strings"
)

// Injection is what one connection adds to a pod.
type Injection struct {
	// Connection is the connection's name.
	Connection string
	// Revision identifies the definition's content; it is shown, never read.
	Revision string
	// Secret is the Secret whose keys become variables; "" for none.
	Secret string
	// Files is what is mounted into the containers; nil for nothing.
	Files *Files
	// ServiceAccount is the service account the pod runs as; "" leaves it.
	ServiceAccount string
	// WorkloadIdentity asks for the label that azure-workload-identity selects.
	WorkloadIdentity bool
	// Wait keeps the pod from being scheduled until its identity is trusted. It goes
	// with WorkloadIdentity.
	Wait bool
}

type envFromSource struct {
	Prefix    string    `json:"prefix,omitempty"`
	SecretRef secretRef `json:"secretRef"`
}

type secretRef struct {
	Name string `json:"name"`
}

// Inject returns the patch that gives the pod its injections. Its error is a
// *Denial: the pod lacks a requested container, or its label says no to the
// identity that a connection needs.
func Inject(pod Pod, request Request, injections []Injection) (Patch, error) {
	if len(injections) == 0 {
		return nil, nil
	}
	if err := checkContainers(pod.Spec, request.Containers); err != nil {
		return nil, err
	}
	patch := make(Patch, 0, 4+2*(len(pod.Spec.InitContainers)+len(pod.Spec.Containers)))
	patch = append(patch, annotate(pod.Metadata, injections)...)
	label, err := labelOperations(pod.Metadata, injections)
	if err != nil {
		return nil, err
	}
	patch = append(patch, label...)
	gates, err := gateOperations(pod, injections)
	if err != nil {
		return nil, err
	}
	patch = append(patch, gates...)
	patch = append(patch, serviceAccountOperations(pod.Spec, injections)...)
	volumes, err := volumeOperations(pod.Spec.Volumes, injections)
	if err != nil {
		return nil, err
	}
	patch = append(patch, volumes...)
	sources := envFromSources(request, injections)
	var files mountings
	if slices.ContainsFunc(injections, func(i Injection) bool { return i.Files != nil }) {
		if files, err = pod.mountings(); err != nil {
			return nil, err
		}
	}
	// There are ephemeral containers, too, but none when a pod is created.
	for _, list := range []containerList{
		{"/spec/initContainers/", pod.Spec.InitContainers, files.InitContainers},
		{"/spec/containers/", pod.Spec.Containers, files.Containers},
	} {
		if patch, err = list.inject(patch, request, sources, injections); err != nil {
			return nil, err
		}
	}
	if len(patch) == 0 {
		return nil, nil
	}
	return patch, nil
}

// containerList is one of a pod's lists of containers, and where it is.
type containerList struct {
	path       string
	containers []Container
	// mountings is nil where no files are mounted.
	mountings []mounting
}

// inject adds to the patch what gives the selected containers their variables and
// files.
func (l containerList) inject(patch Patch, request Request, sources []envFromSource, injections []Injection) (Patch, error) {
	for i, container := range l.containers {
		if len(request.Containers) > 0 && !slices.Contains(request.Containers, container.Name) {
			continue
		}
		at := l.path + strconv.Itoa(i)
		patch = envFromOperations(patch, at, container, sources)
		if l.mountings == nil {
			continue
		}
		mounts, err := mountOperations(at, container.Name, l.mountings[i], injections)
		if err != nil {
			return nil, err
		}
		patch = append(patch, mounts...)
	}
	return patch, nil
}

func checkContainers(spec PodSpec, wanted []string) error {
	if len(wanted) == 0 {
		return nil
	}
	var present []string
	for _, container := range slices.Concat(spec.InitContainers, spec.Containers) {
		present = append(present, container.Name)
	}
	for _, name := range wanted {
		if !slices.Contains(present, name) {
			return Deny(ReasonContainer, "annotation %s names container %q, which the pod does not have; it has %s",
				AnnotationContainers, name, some(present))
		}
	}
	return nil
}

// some lists names that somebody else wrote for a message: not too many, each cut.
func some(names []string) string {
	const most = 10
	list := make([]string, 0, most)
	for _, name := range names[:min(len(names), most)] {
		list = append(list, Cut(name))
	}
	text := strings.Join(list, ", ")
	if rest := len(names) - most; rest > 0 {
		text += " and " + strconv.Itoa(rest) + " more"
	}
	return text
}

func annotate(metadata Metadata, injections []Injection) Patch {
	var done []byte
	for i, injection := range injections {
		if i > 0 {
			done = append(done, ',')
		}
		done = append(append(append(done, injection.Connection...), '@'), injection.Revision...)
	}
	value := string(done)
	if metadata.Annotations[AnnotationInjected] == value {
		return nil
	}
	return Patch{setKey("/metadata/annotations", metadata.Annotations, AnnotationInjected, value)}
}

func labelOperations(metadata Metadata, injections []Injection) (Patch, error) {
	i := slices.IndexFunc(injections, func(i Injection) bool { return i.WorkloadIdentity })
	if i < 0 {
		return nil, nil
	}
	switch value, ok := metadata.Labels[LabelWorkloadIdentity]; {
	case !ok:
		return Patch{setKey("/metadata/labels", metadata.Labels, LabelWorkloadIdentity, "true")}, nil
	case value == "true":
		return nil, nil
	default:
		return nil, Deny(ReasonLabel, "connection %q needs the label %s=true, but the pod sets it to %s; leave the label out",
			injections[i].Connection, LabelWorkloadIdentity, Quote(value))
	}
}

func serviceAccountOperations(spec PodSpec, injections []Injection) Patch {
	for _, injection := range injections {
		if injection.ServiceAccount != "" && injection.ServiceAccount != spec.ServiceAccountName {
			return Patch{add("/spec/serviceAccountName", injection.ServiceAccount)}
		}
	}
	return nil
}

func envFromSources(request Request, injections []Injection) []envFromSource {
	sources := make([]envFromSource, 0, len(injections))
	for _, injection := range injections {
		if injection.Secret != "" {
			sources = append(sources, envFromSource{
				Prefix:    request.Prefixes[injection.Connection],
				SecretRef: secretRef{Name: injection.Secret},
			})
		}
	}
	return sources
}

// envFromOperations puts the sources that a container lacks in front of its
// envFrom: a later source wins over an earlier one, and env over both, so the
// author's own stay the stronger.
func envFromOperations(patch Patch, at string, container Container, sources []envFromSource) Patch {
	missing := missingSources(container.EnvFrom, sources)
	if len(missing) == 0 {
		return patch
	}
	return prepend(patch, at+"/envFrom", len(container.EnvFrom), missing)
}

func missingSources(present []EnvFromSource, sources []envFromSource) []envFromSource {
	if len(present) == 0 {
		return sources
	}
	var missing []envFromSource
	for _, source := range sources {
		if !slices.ContainsFunc(present, func(have EnvFromSource) bool {
			return have.SecretRef != nil && have.SecretRef.Name == source.SecretRef.Name && have.Prefix == source.Prefix
		}) {
			missing = append(missing, source)
		}
	}
	return missing
}

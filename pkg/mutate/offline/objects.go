// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// object is one object of a manifest.
type object struct {
	// path is where it lies in its document: "" or an item of a List.
	path string
	raw  json.RawMessage
	kind metav1.GroupVersionKind
	// metadata is what is read of its metadata.
	metadata metadata
}

type metadata struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace"`
	Generate    string            `json:"generateName"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// String names the object for messages: kind/name.
func (o object) String() string {
	if o.metadata.Name == "" {
		return o.kind.Kind + "/" + o.metadata.Generate
	}
	return o.kind.Kind + "/" + o.metadata.Name
}

// apiVersion returns the object's apiVersion.
func (o object) apiVersion() string {
	return strings.TrimPrefix(o.kind.Group+"/"+o.kind.Version, "/")
}

// objects returns the objects of a document: itself, or the items of a List. Of
// kinds that are none of ours, what cannot be read is left out.
func (d document) objects(file string) ([]object, error) {
	if d.root == nil || d.top("kind") == "" {
		return nil, nil
	}
	raw, err := yaml.YAMLToJSONStrict([]byte(d.body))
	if err != nil && !matters(kindOf(d.top("apiVersion"), d.top("kind"))) {
		return nil, nil
	}
	if err != nil {
		return nil, d.fail(file, err)
	}
	whole, err := readObject("", raw)
	if err != nil {
		return nil, d.fail(file, err)
	}
	if whole.kind != listKind {
		return []object{whole}, nil
	}
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, d.fail(file, err)
	}
	items := make([]object, 0, len(list.Items))
	for i, item := range list.Items {
		o, err := readObject(fmt.Sprintf("/items/%d", i), item)
		if err != nil {
			return nil, d.fail(file, fmt.Errorf("item %d: %w", i, err))
		}
		items = append(items, o)
	}
	return items, nil
}

func readObject(path string, raw []byte) (object, error) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return object{}, fmt.Errorf("reading apiVersion and kind: %w", err)
	}
	o := object{path: path, raw: raw, kind: kindOf(head.APIVersion, head.Kind)}
	if !matters(o.kind) || o.kind == listKind {
		return o, nil
	}
	var body struct {
		Metadata metadata `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return object{}, fmt.Errorf("reading the %s: %w", head.Kind, err)
	}
	o.metadata = body.Metadata
	return o, nil
}

var (
	listKind              = kindOf("v1", "List")
	podKind               = kindOf("v1", "Pod")
	jobKind               = kindOf("batch/v1", "Job")
	namespaceKind         = kindOf("v1", "Namespace")
	secretKind            = kindOf("v1", "Secret")
	accountKind           = kindOf("v1", "ServiceAccount")
	classKind             = kindOf("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass")
	connectionKind        = kindOf(v1alpha1.GroupVersion.String(), "Connection")
	clusterConnectionKind = kindOf(v1alpha1.GroupVersion.String(), "ClusterConnection")
)

// child is a template inside an object: where it lies and what is made of it.
type child struct {
	path string
	kind metav1.GroupVersionKind
}

var podTemplate = child{"/spec/template", podKind}

// injectable are the kinds that the webhook is called for, with their templates.
var injectable = map[metav1.GroupVersionKind]child{
	podKind:                          {},
	kindOf("apps/v1", "Deployment"):  podTemplate,
	kindOf("apps/v1", "StatefulSet"): podTemplate,
	kindOf("apps/v1", "DaemonSet"):   podTemplate,
	kindOf("apps/v1", "ReplicaSet"):  podTemplate,
	jobKind:                          podTemplate,
	kindOf("batch/v1", "CronJob"):    {"/spec/jobTemplate", jobKind},
}

// matters reports whether anything is done with a kind. All others pass through
// unread.
func matters(kind metav1.GroupVersionKind) bool {
	switch kind {
	case listKind, namespaceKind, secretKind, accountKind, classKind, connectionKind, clusterConnectionKind:
		return true
	}
	_, ok := injectable[kind]
	return ok
}

func kindOf(apiVersion, kind string) metav1.GroupVersionKind {
	group, version, ok := strings.Cut(apiVersion, "/")
	if !ok {
		group, version = "", apiVersion
	}
	return metav1.GroupVersionKind{Group: group, Version: version, Kind: kind}
}

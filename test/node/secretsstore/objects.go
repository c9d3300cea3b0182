// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// managedLabel marks the Secrets that the driver made.
const managedLabel = "secrets-store.csi.k8s.io/managed"

var classes = schema.GroupVersionResource{Group: "secrets-store.csi.x-k8s.io", Version: "v1", Resource: "secretproviderclasses"}

// objects reads and writes the cluster's objects.
type objects struct {
	dynamic dynamic.Interface
	core    kubernetes.Interface
}

func newObjects(kubeconfig string) (*objects, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	o := &objects{}
	if o.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, err
	}
	o.core, err = kubernetes.NewForConfig(config)
	return o, err
}

// class reads a SecretProviderClass.
func (o *objects) class(ctx context.Context, namespace, name string) (class, error) {
	var c class
	found, err := o.dynamic.Resource(classes).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return c, err
	}
	return c, runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, &c)
}

// fetch returns the contents of files: what the provider would read from the vault.
func (o *objects) fetch(ctx context.Context, r request) (map[string][]byte, error) {
	vault, err := o.core.CoreV1().Secrets(metav1.NamespaceSystem).Get(ctx, "fake-vault-"+r.vault, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("dial tcp: lookup %s.vault.azure.net: no such host", r.vault)
	}
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, wanted := range r.objects {
		content, ok := vault.Data[wanted.Name]
		if !ok {
			return nil, notFound(r.vault, wanted)
		}
		files[wanted.file()] = content
	}
	return files, nil
}

// notFound is how the provider says that the vault lacks an object. Its line breaks
// reach the pod's event.
func notFound(vault string, o object) error {
	kind := map[string]string{"secret": "Secret", "key": "Key", "cert": "Certificate"}[o.Type]
	line := strings.Repeat("-", 80)
	return fmt.Errorf("failed to get objectType:%s, objectName:%s, objectVersion:%s: GET https://%s.vault.azure.net/%ss/%s/%s\n%s\nRESPONSE 404: 404 Not Found\nERROR CODE: %sNotFound\n%s",
		o.Type, o.Name, o.Version, vault, strings.ToLower(kind), o.Name, o.Version, line, kind, line)
}

// sync makes the Secrets of a class.
func (o *objects) sync(ctx context.Context, namespace, pod string, wanted []secretObject, files map[string][]byte) error {
	if len(wanted) == 0 {
		return nil
	}
	found, err := o.core.CoreV1().Pods(namespace).Get(ctx, pod, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, w := range wanted {
		secret, err := w.secret(namespace, files)
		if err != nil {
			return err
		}
		secret.OwnerReferences = owners(found)
		if err := o.apply(ctx, secret); err != nil {
			return fmt.Errorf("making secret %s/%s: %w", namespace, secret.Name, err)
		}
	}
	return nil
}

// secret returns the Secret that files make.
func (w secretObject) secret(namespace string, files map[string][]byte) (*corev1.Secret, error) {
	labels := map[string]string{managedLabel: "true"}
	maps.Copy(labels, w.Labels)
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name:        strings.TrimSpace(w.SecretName),
			Namespace:   namespace,
			Labels:      labels,
			Annotations: w.Annotations,
		},
		Type: corev1.SecretType(w.Type),
		Data: map[string][]byte{},
	}
	if secret.Type == "" {
		secret.Type = corev1.SecretTypeOpaque
	}
	for _, entry := range w.Data {
		content, ok := files[entry.ObjectName]
		if !ok {
			return nil, fmt.Errorf("file matching objectName %s not found in the pod", entry.ObjectName)
		}
		secret.Data[entry.Key] = content
	}
	return secret, nil
}

// owners returns who a synced Secret belongs to: what owns the pod, or else the
// pod. With the last of them the Secret goes too.
func owners(pod *corev1.Pod) []metav1.OwnerReference {
	var references []metav1.OwnerReference
	for _, owner := range pod.OwnerReferences {
		references = append(references, metav1.OwnerReference{APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name, UID: owner.UID})
	}
	if len(references) == 0 {
		references = append(references, metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID})
	}
	return references
}

// apply makes a Secret, or adds the owners to the one that the driver made before.
// A Secret of somebody else's is left alone.
func (o *objects) apply(ctx context.Context, secret *corev1.Secret) error {
	secrets := o.core.CoreV1().Secrets(secret.Namespace)
	_, err := secrets.Create(ctx, secret, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	existing, err := secrets.Get(ctx, secret.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	before := len(existing.OwnerReferences)
	for _, owner := range secret.OwnerReferences {
		same := func(r metav1.OwnerReference) bool { return r.UID == owner.UID }
		if !slices.ContainsFunc(existing.OwnerReferences, same) {
			existing.OwnerReferences = append(existing.OwnerReferences, owner)
		}
	}
	if existing.Labels[managedLabel] != "true" || len(existing.OwnerReferences) == before {
		return nil
	}
	_, err = secrets.Update(ctx, existing, metav1.UpdateOptions{})
	return err
}

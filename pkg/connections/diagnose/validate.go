// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

const (
	checkCredentials = "credentials"
	checkKeys        = "keys of the Secret"
	checkDriver      = "CSI driver"
	maxPodFindings   = 10
)

// Validate looks at one connection as a namespace has it: definition,
// credentials, objects, and the pods that use it. Credentials are looked at for
// whether they are complete, and never shown.
func Validate(ctx context.Context, r client.Reader, namespace, name string) ([]Finding, error) {
	ns := &corev1.Namespace{}
	err := r.Get(ctx, client.ObjectKey{Name: namespace}, ns)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("there is no namespace %q; choose one with -n", namespace)
	}
	if err != nil {
		ns.Name = namespace
	}
	l, finding := locate(ctx, r, ns, name)
	findings := []Finding{finding}
	if l == nil || l.binding == nil {
		return findings, nil
	}
	if finding := l.provisioned(); finding.Result != OK {
		findings = append(findings, finding)
	}
	findings = append(findings, l.azure()...)
	users, err := usersOf(ctx, r, namespace, name)
	if err != nil {
		findings = append(findings, unseen(checkPod, err))
	}
	expected, finding := checkSource(ctx, r, l.binding)
	findings = append(findings, finding)
	findings = append(findings, checkObjects(ctx, r, namespace, l.binding, len(users) > 0)...)
	if l.binding.ProviderClass != nil {
		findings = append(findings, checkCSIDriver(ctx, r))
	} else {
		findings = append(findings, checkSecretKeys(ctx, r, namespace, l.binding, expected, len(users) > 0))
	}
	return append(findings, checkUsers(users, l.binding, changed(ctx, r, namespace, l.binding))...), nil
}

// usersOf lists the pods of a namespace that were given a connection.
func usersOf(ctx context.Context, r client.Reader, namespace, name string) ([]corev1.Pod, error) {
	var users []corev1.Pod
	err := pages(ctx, r, &corev1.PodList{}, func(list *corev1.PodList) {
		for _, pod := range list.Items {
			if usesConnection(&pod, name) && pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
				users = append(users, pod)
			}
		}
	}, client.InNamespace(namespace))
	slices.SortFunc(users, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	return users, err
}

// checkSource renders the settings from the credentials, as provisioning does,
// and returns their keys; nil where that cannot be known.
func checkSource(ctx context.Context, r client.Reader, b *connections.Binding) (keys []string, finding Finding) {
	if b.ProviderClass != nil {
		return nil, ok(checkCredentials, "stay in the vault")
	}
	where := b.Definition.Namespace
	if where == "" {
		where = home
	}
	credentials, err := credentialsName(ctx, r, b, where)
	if err != nil {
		return nil, unseen(checkCredentials, err)
	}
	sources := connections.Sources{Credentials: credentials, Secrets: map[string]map[string][]byte{}}
	for _, name := range b.Reads(credentials) {
		var secret corev1.Secret
		err := r.Get(ctx, client.ObjectKey{Namespace: where, Name: name}, &secret)
		switch {
		case apierrors.IsNotFound(err): // Render says so
		case err != nil:
			return nil, unseen(checkCredentials, err)
		default:
			sources.Secrets[name] = secret.Data
		}
	}
	data, err := b.Render(sources)
	var problem *connections.Problem
	switch {
	case errors.As(err, &problem):
		return nil, failure(checkCredentials, "complete them in namespace "+where, "%s: %s", problem.Reason, problem.Message)
	case err != nil:
		return nil, unseen(checkCredentials, err)
	case len(b.Reads(credentials)) == 0:
		return slices.Sorted(maps.Keys(data)), ok(checkCredentials, "none are needed")
	}
	return slices.Sorted(maps.Keys(data)), ok(checkCredentials, "complete, in namespace %s", where)
}

// credentialsName returns the name of the Secret with the credentials, as a
// Provisioned Service may hold it.
func credentialsName(ctx context.Context, r client.Reader, b *connections.Binding, namespace string) (string, error) {
	auth := b.Definition.Spec.Auth
	if auth.SecretRef != nil {
		return auth.SecretRef.Name, nil
	}
	ref := auth.ProvisionedServiceRef
	if ref == nil {
		return "", nil
	}
	object := &unstructured.Unstructured{}
	object.SetAPIVersion(ref.APIVersion)
	object.SetKind(ref.Kind)
	if err := r.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, object); err != nil {
		return "", wrap(err, "reading %s %q", ref.Kind, ref.Name)
	}
	name, _, err := unstructured.NestedString(object.Object, "status", "binding", "name")
	if err == nil && name == "" {
		err = fmt.Errorf("%s %q has no status.binding.name yet", ref.Kind, ref.Name)
	}
	return name, err
}

// checkSecretKeys looks whether the provisioned Secret has the keys it should.
func checkSecretKeys(ctx context.Context, r client.Reader, namespace string, b *connections.Binding, expected []string, used bool) Finding {
	var secret corev1.Secret
	err := r.Get(ctx, client.ObjectKey{Namespace: namespace, Name: b.Secret}, &secret)
	switch {
	case apierrors.IsNotFound(err) && used:
		return failure(checkKeys, "", "there is no Secret")
	case apierrors.IsNotFound(err):
		return ok(checkKeys, "nothing is made yet")
	case err != nil:
		return unseen(checkKeys, err)
	}
	if expected == nil {
		expected = b.Variables
	}
	var missing []string
	for _, key := range expected {
		if _, there := secret.Data[key]; !there {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		return failure(checkKeys, "see whether the webhook runs, which puts them back: kubectl connection doctor", "missing: %s", strings.Join(missing, ", "))
	}
	return ok(checkKeys, "all there: %d", len(expected))
}

func checkCSIDriver(ctx context.Context, r client.Reader) Finding {
	err := r.Get(ctx, client.ObjectKey{Name: driverName}, &storagev1.CSIDriver{})
	switch {
	case apierrors.IsNotFound(err):
		return failure(checkDriver, "az aks enable-addons --addons azure-keyvault-secrets-provider", "%s is not installed", driverName)
	case err != nil:
		return unseen(checkDriver, err)
	}
	return ok(checkDriver, "%s is installed", driverName)
}

// changed returns the mark of when the data of a binding's Secret changed, "" for
// never, or where no variable depends on it, or nobody may know.
func changed(ctx context.Context, r client.Reader, namespace string, b *connections.Binding) string {
	if len(b.Variables) == 0 || b.Secret == "" {
		return ""
	}
	secret, _ := read(ctx, r, connections.Object{Kind: connections.KindSecret, Namespace: namespace, Name: b.Secret}, false)
	if secret == nil {
		return ""
	}
	return secret.Annotations[v1alpha1.AnnotationChanged]
}

// checkUsers looks at the pods that use the connection, whose values changed.
func checkUsers(users []corev1.Pod, b *connections.Binding, changed string) []Finding {
	if len(users) == 0 {
		return []Finding{ok(checkPod, "no pod uses the connection here")}
	}
	var findings []Finding
	more := 0
	for _, pod := range users {
		finding := checkUser(&pod, b, changed)
		switch {
		case finding.Result == OK:
		case len(findings) < maxPodFindings:
			findings = append(findings, finding)
		default:
			more++
		}
	}
	switch {
	case len(findings) == 0:
		return []Finding{ok(checkPod, "up to date: %d", len(users))}
	case more > 0:
		findings = append(findings, warning(checkPod, "", "%d more are like these", more))
	}
	return findings
}

// checkUser looks at one pod that uses the connection.
func checkUser(pod *corev1.Pod, b *connections.Binding, changed string) Finding {
	check := "pod " + pod.Name
	since, earlier := connections.Earlier(changed, pod.CreationTimestamp.Time)
	switch {
	case staleIn(pod, []*connections.Binding{b}) != "":
		return failure(check, "roll its workload: kubectl rollout restart", "still runs with an older revision of the connection; it is at %s now", b.Revision)
	case earlier:
		return failure(check, "roll its workload: kubectl rollout restart", "runs with earlier values: they changed at %s", since.UTC().Format(time.RFC3339))
	case b.Identity != nil && pod.Labels[v1alpha1.LabelWorkloadIdentity] != "true":
		return failure(check, "find who removed it, and roll", "lacks the label %s=true, so that it gets no token", v1alpha1.LabelWorkloadIdentity)
	}
	return ok(check, "up to date")
}

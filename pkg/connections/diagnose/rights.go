// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// certManagerAnnotation on our configuration says that cert-manager keeps the
// caBundle, from which Certificate. Source: cert-manager's documentation of its
// cainjector.
const certManagerAnnotation = "cert-manager.io/inject-ca-from"

// right is one thing that the webhook's service account must be allowed.
type right struct{ group, resource, verb, namespace, name string }

// String returns the right as kubectl auth can-i takes it.
func (r right) String() string {
	text := r.verb + " " + r.resource
	if r.group != "" {
		text += "." + r.group
	}
	if r.name != "" {
		text += "/" + r.name
	}
	if r.namespace != "" {
		text += " in " + r.namespace
	}
	return text
}

// rights are those that the chart gives, without which something fails. They
// depend on how it was installed, which the configuration shows, for some
// namespaces alone or with cert-manager's certificates, and the webhook's arguments:
// with Azure as a source, or to roll and to evict. Both may be nil.
func rights(present *configuration, args Arguments) []right {
	var all []right
	add := func(group, resource, namespace, name string, verbs ...string) {
		for _, verb := range verbs {
			all = append(all, right{group, resource, verb, namespace, name})
		}
	}
	add("serviceconnector.dev", "clusterconnections", "", "", "get", "list", "watch")
	add("serviceconnector.dev", "clusterconnections/status", "", "", "patch")
	add("", "namespaces", "", "", "get", "list", "watch")
	for _, namespace := range servedNamespaces(present) {
		add("serviceconnector.dev", "connections", namespace, "", "get", "list", "watch")
		add("serviceconnector.dev", "connections/status", namespace, "", "patch")
		add("", "secrets", namespace, "", "get", "list", "watch", "create", "patch", "delete")
		add("", "serviceaccounts", namespace, "", "get", "list", "watch", "create", "patch", "delete")
		add("secrets-store.csi.x-k8s.io", "secretproviderclasses", namespace, "", "get", "list", "watch", "create", "patch", "delete")
		add("", "pods", namespace, "", "list")
		add("apps", "replicasets", namespace, "", "get")
		add("", "events", namespace, "", "create")
		if args.has("--azure-cluster") {
			add("serviceconnector.dev", "connections", namespace, "", "create", "patch", "delete")
		}
		if args.has("--azure-federate") {
			add("", "pods", namespace, "", "watch", "patch")
		}
		if args.has("--allow-rollout") {
			for _, kind := range []string{"deployments", "statefulsets", "daemonsets"} {
				add("apps", kind, namespace, "", "get", "patch")
			}
		}
		if args.has("--evict-half-connected") {
			add("", "pods/eviction", namespace, "", "create")
		}
	}
	add("", "secrets", home, "", "get")
	add("coordination.k8s.io", "leases", home, "", "create")
	add("coordination.k8s.io", "leases", home, "service-connector", "get", "update")
	add("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "", configurationName, "get")
	if present == nil || !metav1.HasAnnotation(present.ObjectMeta, certManagerAnnotation) {
		add("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "", configurationName, "patch")
		add("", "secrets", home, "service-connector-ca", "update")
	}
	return all
}

// servedNamespaces returns the namespaces that the configuration is bounded to;
// one "", which is all of them, if it is not.
func servedNamespaces(present *configuration) []string {
	if present == nil || len(present.Webhooks) == 0 || present.Webhooks[0].NamespaceSelector == nil {
		return []string{""}
	}
	for _, term := range present.Webhooks[0].NamespaceSelector.MatchExpressions {
		if term.Key == corev1.LabelMetadataName && term.Operator == metav1.LabelSelectorOpIn {
			return term.Values
		}
	}
	return []string{""}
}

// checkAccess asks the API server what the webhook's service account may do.
func checkAccess(ctx context.Context, w World, present *configuration) Finding {
	var missing []string
	args, err := ReadArguments(ctx, w, home)
	if err != nil {
		return unseen(checkRights, err)
	}
	needed := rights(present, args)
	for _, right := range needed {
		allowed, err := w.Allowed(ctx, right.review())
		if err != nil {
			return unseen(checkRights, err)
		}
		if !allowed {
			missing = append(missing, right.String())
		}
	}
	if len(missing) > 0 {
		return failure(checkRights, reinstall,
			"service account %s/service-connector may not %s", home, strings.Join(missing, ", "))
	}
	return ok(checkRights, "all %d that it needs", len(needed))
}

func (r right) review() authorizationv1.SubjectAccessReviewSpec {
	resource, subresource, _ := strings.Cut(r.resource, "/")
	return authorizationv1.SubjectAccessReviewSpec{
		User:   "system:serviceaccount:" + home + ":service-connector",
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + home, "system:authenticated"},
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Group: r.group, Resource: resource, Subresource: subresource, Verb: r.verb, Namespace: r.namespace, Name: r.name,
		},
	}
}

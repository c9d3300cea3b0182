// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// The names of our configuration and of what it must sort before. Sources: the
// manifest, and azure-workload-identity's chart.
const (
	configurationName  = "admission.serviceconnector.dev"
	identityConfigName = "azure-wi-webhook-mutating-webhook-configuration"
)

// The checks of the configuration.
const (
	checkWebhook    = "webhook configuration"
	checkRules      = "webhook rules"
	checkConditions = "webhook matchConditions"
	checkAuthority  = "webhook caBundle"
	checkPolicy     = "webhook failurePolicy"
	checkOrder      = "webhook order"
	checkReachable  = "webhook reachable"
	checkSelector   = "namespace selected"
)

const reinstall = "install it again: helm upgrade, or kubectl apply --server-side -f manifests/install.yaml"

type (
	configuration = admissionregistrationv1.MutatingWebhookConfiguration
	webhook       = admissionregistrationv1.MutatingWebhook
)

// checkConfiguration looks at our webhook configuration. It is nil where there
// is none or it may not be read.
func checkConfiguration(ctx context.Context, r client.Reader, now time.Time) (*configuration, []Finding) {
	present := &configuration{}
	err := r.Get(ctx, client.ObjectKey{Name: configurationName}, present)
	switch {
	case apierrors.IsNotFound(err):
		return nil, []Finding{failure(checkWebhook, reinstall,
			"there is no MutatingWebhookConfiguration %s, so that no pod is injected", configurationName)}
	case err != nil:
		return nil, []Finding{unseen(checkWebhook, err)}
	}
	return present, []Finding{
		checkWebhooks(present), checkShippedRules(present), checkMatchConditions(present),
		checkCABundle(present, now), checkFailurePolicy(present),
	}
}

func checkWebhooks(present *configuration) Finding {
	var missing []string
	for _, want := range shippedConfiguration().Webhooks {
		if webhookOf(present, want.Name) == nil {
			missing = append(missing, want.Name)
		}
	}
	if len(missing) > 0 {
		return failure(checkWebhook, reinstall, "%s lacks %s", configurationName, strings.Join(missing, ", "))
	}
	return ok(checkWebhook, "%s has its %d webhooks", configurationName, len(present.Webhooks))
}

func checkShippedRules(present *configuration) Finding {
	for _, want := range shippedConfiguration().Webhooks {
		if have := webhookOf(present, want.Name); have != nil && !coversRules(have.Rules, want.Rules) {
			return failure(checkRules, reinstall, "webhook %s is not called for all that it was shipped for", want.Name)
		}
	}
	return ok(checkRules, "as shipped")
}

func checkMatchConditions(present *configuration) Finding {
	for _, want := range shippedConfiguration().Webhooks {
		if have := webhookOf(present, want.Name); have != nil && !sameConditions(have.MatchConditions, want.MatchConditions) {
			return failure(checkConditions, reinstall, "webhook %s has other matchConditions than it was shipped with, so that it may not be called", want.Name)
		}
	}
	return ok(checkConditions, "as shipped")
}

func checkCABundle(present *configuration, now time.Time) Finding {
	for _, w := range present.Webhooks {
		if problem := badAuthority(w.ClientConfig.CABundle, now); problem != "" {
			return failure(checkAuthority, "the webhook writes it when it runs: kubectl connection logs",
				"webhook %s: caBundle %s, so that the API server cannot call it", w.Name, problem)
		}
	}
	return ok(checkAuthority, "parses, and is valid now")
}

// badAuthority says what is wrong with a bundle in which no certificate is valid.
func badAuthority(bundle []byte, now time.Time) string {
	if len(bundle) == 0 {
		return "is empty"
	}
	problem := "holds no certificate"
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err != nil:
			problem = "does not parse"
		case now.After(certificate.NotAfter):
			problem = "expired on " + certificate.NotAfter.UTC().Format(time.DateOnly)
		default:
			return ""
		}
	}
	return problem
}

func checkFailurePolicy(present *configuration) Finding {
	for _, w := range present.Webhooks {
		if w.FailurePolicy != nil && *w.FailurePolicy == admissionregistrationv1.Ignore {
			return warning(checkPolicy, "set failurePolicy: Fail", "webhook %s has failurePolicy Ignore: while it does not answer, pods start without their connections", w.Name)
		}
	}
	return ok(checkPolicy, "Fail")
}

// checkSorted looks whether azure-workload-identity is called after us: the
// label we add is what makes it match.
func checkSorted(ctx context.Context, r client.Reader, present *configuration) Finding {
	var list admissionregistrationv1.MutatingWebhookConfigurationList
	if err := r.List(ctx, &list); err != nil {
		return unseen(checkOrder, err)
	}
	for _, other := range list.Items {
		if !strings.HasPrefix(other.Name, "azure-wi-webhook") && !strings.Contains(other.Name, "azure-workload-identity") {
			continue
		}
		if other.Name < present.Name {
			return failure(checkOrder, "name it "+identityConfigName+", which sorts after ours",
				"%s is called before %s, so that it does not see the label that we add", other.Name, present.Name)
		}
		return ok(checkOrder, "before %s", other.Name)
	}
	return ok(checkOrder, "azure-workload-identity is not installed")
}

// checkNamespace looks whether the pods webhook is called for a namespace and
// for pods with these labels.
func checkNamespace(namespace metav1.Object, podLabels map[string]string, present *configuration) Finding {
	if hint := excluded(namespace); hint != "" {
		return failure(checkSelector, "run the workload in another namespace", "namespace %q is never injected: %s", namespace.GetName(), hint)
	}
	if present == nil {
		return ok(checkSelector, "namespace %q is not one that is left out", namespace.GetName())
	}
	w := webhookOf(present, v1alpha1.PodsWebhook)
	if w == nil {
		return ok(checkSelector, "namespace %q is not one that is left out", namespace.GetName())
	}
	if !selects(w.NamespaceSelector, namespace.GetLabels()) {
		return failure(checkSelector, "label the namespace so, or change the selector",
			"the webhook's namespaceSelector (%s) does not match namespace %q", metav1.FormatLabelSelector(w.NamespaceSelector), namespace.GetName())
	}
	if !selects(w.ObjectSelector, podLabels) {
		return failure(checkSelector, "label the pods so, or change the selector",
			"the webhook's objectSelector (%s) does not match the pods' labels", metav1.FormatLabelSelector(w.ObjectSelector))
	}
	return ok(checkSelector, "namespace %q is selected", namespace.GetName())
}

// excluded says why the shipped selector leaves a namespace out, "" if it does
// not.
func excluded(namespace metav1.Object) string {
	switch name := namespace.GetName(); {
	case name == "kube-system" || name == home:
		return "kube-system and " + home + " are left out"
	case namespace.GetLabels()["control-plane"] == "true":
		return "its label control-plane=true marks it as part of the control plane"
	case namespace.GetLabels()["kubernetes.azure.com/managedby"] == "aks":
		return "its label kubernetes.azure.com/managedby=aks marks it as AKS's own"
	}
	return ""
}

func selects(selector *metav1.LabelSelector, set map[string]string) bool {
	if selector == nil {
		return true
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(labels.Set(set))
}

// checkReach looks whether something answers behind the configuration.
func checkReach(ctx context.Context, r client.Reader, present *configuration) Finding {
	w := webhookOf(present, v1alpha1.PodsWebhook)
	if w == nil {
		return ok(checkReachable, "nothing to reach")
	}
	if w.ClientConfig.URL != nil {
		return ok(checkReachable, "runs outside the cluster, at %s: whether it answers cannot be seen from here", *w.ClientConfig.URL)
	}
	service := w.ClientConfig.Service
	if service == nil {
		return failure(checkReachable, reinstall, "the configuration names neither a Service nor a URL")
	}
	ready, err := readyEndpoints(ctx, r, service.Namespace, service.Name)
	switch name := service.Namespace + "/" + service.Name; {
	case err != nil:
		return unseen(checkReachable, err)
	case ready == 0:
		return failure(checkReachable, fmt.Sprintf("see kubectl get pods -n %s; kubectl connection logs", service.Namespace),
			"Service %s has no ready endpoint: the webhook does not run", name)
	default:
		return ok(checkReachable, "Service %s has ready endpoints: %d", name, ready)
	}
}

func readyEndpoints(ctx context.Context, r client.Reader, namespace, service string) (int, error) {
	var slicesOf discoveryv1.EndpointSliceList
	err := r.List(ctx, &slicesOf, client.InNamespace(namespace), client.MatchingLabels{discoveryv1.LabelServiceName: service})
	ready := 0
	for _, slice := range slicesOf.Items {
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
				ready += len(endpoint.Addresses)
			}
		}
	}
	return ready, err
}

func webhookOf(present *configuration, name string) *webhook {
	i := slices.IndexFunc(present.Webhooks, func(w webhook) bool { return w.Name == name })
	if i < 0 {
		return nil
	}
	return &present.Webhooks[i]
}

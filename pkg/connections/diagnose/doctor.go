// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

// The checks of the installation.
const (
	checkVersion   = "server version"
	checkKinds     = "CRDs"
	checkAKS       = "AKS selector terms"
	checkRights    = "rights of the webhook"
	checkAnnotated = "annotated pods"
)

// minMinor is the first minor version of Kubernetes 1 with all we need.
const minMinor = 30

// Doctor looks at the installation as a whole.
func Doctor(ctx context.Context, w World, now time.Time) []Finding {
	findings := []Finding{checkServer(w), checkCRDs(ctx, w)}
	present, installed := checkConfiguration(ctx, w, now)
	findings = append(findings, installed...)
	if present != nil {
		findings = append(findings, checkReach(ctx, w, present), checkSorted(ctx, w, present), checkAKSTerms(present))
	}
	findings = append(findings, checkAccess(ctx, w, present))
	return append(findings, checkUninjected(ctx, w, present))
}

func checkServer(w World) Finding {
	version, err := w.Version()
	if err != nil {
		return unseen(checkVersion, err)
	}
	minor, err := strconv.Atoi(strings.TrimRight(version.Minor, "+"))
	if err != nil {
		return warning(checkVersion, "", "%s cannot be read", version.GitVersion)
	}
	if version.Major == "1" && minor < minMinor {
		return failure(checkVersion, fmt.Sprintf("update the cluster to 1.%d or later", minMinor), "%s is too old", version.GitVersion)
	}
	return ok(checkVersion, "%s", version.GitVersion)
}

// checkCRDs asks for one object of each kind: that works where the kinds are
// served, without the right to read their definitions.
func checkCRDs(ctx context.Context, r client.Reader) Finding {
	for _, list := range []client.ObjectList{&v1alpha1.ConnectionList{}, &v1alpha1.ClusterConnectionList{}} {
		err := r.List(ctx, list, client.Limit(1))
		switch {
		case meta.IsNoMatchError(err), apierrors.IsNotFound(err):
			return failure(checkKinds, "kubectl apply --server-side -f manifests/crds", "the cluster does not know %s", kindOf(list))
		case err != nil:
			return unseen(checkKinds, err)
		}
	}
	return ok(checkKinds, "Connection and ClusterConnection are served")
}

func kindOf(list client.ObjectList) string {
	if _, shared := list.(*v1alpha1.ClusterConnectionList); shared {
		return "ClusterConnection"
	}
	return "Connection"
}

// checkAKSTerms looks for the two terms that AKS adds to webhook configurations:
// where they are missing, AKS and whoever applies ours take turns in changing it.
func checkAKSTerms(present *configuration) Finding {
	for _, w := range present.Webhooks {
		for _, key := range []string{"control-plane", "kubernetes.azure.com/managedby"} {
			if w.NamespaceSelector == nil || !slices.ContainsFunc(w.NamespaceSelector.MatchExpressions, func(e metav1.LabelSelectorRequirement) bool {
				return e.Key == key && (e.Operator == metav1.LabelSelectorOpNotIn || e.Operator == metav1.LabelSelectorOpDoesNotExist)
			}) {
				return warning(checkAKS, reinstall, "webhook %s does not leave out namespaces with label %s; AKS will add that", w.Name, key)
			}
		}
	}
	return ok(checkAKS, "present")
}

// checkUninjected looks for pods that carry the annotation and were not injected.
func checkUninjected(ctx context.Context, r client.Reader, present *configuration) Finding {
	var names []string
	total := 0
	err := pages(ctx, r, &corev1.PodList{}, func(list *corev1.PodList) {
		for _, pod := range list.Items {
			_, injected := pod.Annotations[v1alpha1.AnnotationInjected]
			request, err := mutate.ParseRequest(pod.Annotations)
			if err != nil || len(request.Connections) == 0 {
				continue
			}
			total++
			if !injected {
				names = append(names, pod.Namespace+"/"+pod.Name)
			}
		}
	})
	if err != nil {
		return unseen(checkAnnotated, err)
	}
	if len(names) == 0 {
		return ok(checkAnnotated, "all injected: %d", total)
	}
	slices.Sort(names)
	why := "kubectl connection explain POD -n NAMESPACE says why"
	if present == nil {
		why = "install Service Connector, then roll their workloads"
	}
	return failure(checkAnnotated, why, "not injected: %d of %d: %s", len(names), total, some(names))
}

// some lists the first few names.
func some(names []string) string {
	const most = 5
	text := strings.Join(names[:min(most, len(names))], ", ")
	if len(names) > most {
		text += ", …"
	}
	return text
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// webhookName is the name of the product's webhook configuration.
const webhookName = "admission.serviceconnector.dev"

// connect returns clients like clients, and says clearly what is in the way.
func (e *environment) connect() (kubernetes.Interface, client.Client, error) {
	if err := e.checkKubeconfig(); err != nil {
		return nil, nil, err
	}
	typed, objects, err := e.clients()
	return typed, objects, clearly(err)
}

// checkKubeconfig finds out whether any cluster is configured. Without this
// client-go tries a server on this machine.
func (e *environment) checkKubeconfig() error {
	config, err := e.flags.ToRawKubeConfigLoader().RawConfig()
	switch {
	case err != nil:
		return clearly(fmt.Errorf("reading the kubeconfig: %w", err))
	case len(config.Clusters) > 0, *e.flags.APIServer != "", os.Getenv("KUBERNETES_SERVICE_HOST") != "", os.Getenv("KUBERNETES_MASTER") != "":
		return nil
	}
	return errNoKubeconfig
}

// currentNamespace returns the namespace like namespace, and says clearly what is
// wrong with the kubeconfig.
func (e *environment) currentNamespace() (string, error) {
	namespace, err := e.namespace()
	if err != nil {
		return "", clearly(fmt.Errorf("reading the kubeconfig: %w", err))
	}
	return namespace, nil
}

// errNoKubeconfig: no cluster is configured.
var errNoKubeconfig = errors.New("no kubeconfig names a cluster; pass --kubeconfig=FILE, or set KUBECONFIG")

// clearly turns what stands between a command and its cluster into one sentence
// that says what to do. It leaves other errors as they are.
func clearly(err error) error {
	var path *fs.PathError
	var call *url.Error
	var plain *plainError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &plain):
		return err // said already
	case clientcmd.IsEmptyConfig(err):
		return errNoKubeconfig
	case clientcmd.IsContextNotFound(err):
		return &plainError{err.Error() + "; those there are: kubectl config get-contexts", err}
	case errors.As(err, &path) && strings.Contains(err.Error(), "kubeconfig"):
		return fmt.Errorf("the kubeconfig %s cannot be read: %w; correct --kubeconfig or KUBECONFIG", path.Path, path.Err)
	case notInstalled(err):
		return &plainError{"Service Connector is not installed in this cluster: it does not know the kind Connection of serviceconnector.dev; install it, or choose another cluster with --context", err}
	case apierrors.IsUnauthorized(err):
		return &plainError{"the cluster does not know you (401 Unauthorized); log in again, or choose another user with --user or --context", err}
	case apierrors.IsForbidden(err):
		return forbidden(err)
	case errors.As(err, &call) && isNetwork(call):
		return unreachable(call)
	}
	return err
}

// plainError is a sentence for people around the error that caused it.
type plainError struct {
	sentence string
	cause    error
}

// Error implements error.
func (e *plainError) Error() string { return e.sentence }

// Unwrap returns the cause.
func (e *plainError) Unwrap() error { return e.cause }

// notInstalled reports whether an error means that the cluster does not know our
// kinds.
func notInstalled(err error) bool {
	var kind *meta.NoKindMatchError
	var resource *meta.NoResourceMatchError
	switch {
	case errors.As(err, &kind):
		return kind.GroupKind.Group == v1alpha1.GroupVersion.Group
	case errors.As(err, &resource):
		return resource.PartialResource.Group == v1alpha1.GroupVersion.Group
	}
	return apierrors.IsNotFound(err) && strings.Contains(err.Error(), "could not find the requested resource")
}

// refused matches what the API server says to somebody without a right. Source:
// k8s.io/apiserver endpoints/handlers/responsewriters forbiddenMessage.
var refused = regexp.MustCompile(`User "(.*?)" cannot (\w+) resource "(.*?)" in API group "(.*?)"(?: in the namespace "(.*?)"| (at the cluster scope))?`)

// forbidden says which right is missing, and how to see that it is there.
func forbidden(err error) error {
	found := refused.FindStringSubmatch(err.Error())
	if found == nil { // a webhook, a policy or a quota said no, in its own words
		return err
	}
	user, verb, resource, where, flag := found[1], found[2], found[3], "in the whole cluster", "-A"
	if found[4] != "" {
		resource += "." + found[4]
	}
	if found[5] != "" {
		where, flag = fmt.Sprintf("in namespace %q", found[5]), "-n "+found[5]
	}
	return &plainError{fmt.Sprintf("user %q may not %s %s %s; ask for that right (kubectl auth can-i %s %s %s)",
		user, verb, resource, where, verb, resource, flag), err}
}

func isNetwork(err error) bool {
	var operation *net.OpError
	var name *net.DNSError
	return errors.As(err, &operation) || errors.As(err, &name)
}

func unreachable(call *url.Error) error {
	server := call.URL
	if address, err := url.Parse(call.URL); err == nil {
		server = address.Scheme + "://" + address.Host
	}
	return &plainError{fmt.Sprintf("the cluster at %s cannot be reached: %v; check the server in the kubeconfig and your network", server, call.Err), call}
}

// warnWithoutWebhook tells people on the error stream that nothing will be
// injected, where that is so. Who may not look is told nothing.
func (e *environment) warnWithoutWebhook(ctx context.Context, typed kubernetes.Interface) {
	_, err := typed.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, webhookName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		fmt.Fprintf(e.ErrOut, "warning: the webhook configuration %q is missing, so that pods get nothing; install Service Connector again (kubectl connection doctor)\n", webhookName)
	}
}

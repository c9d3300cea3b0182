// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"serviceconnector.dev/pkg/mutate"
)

// askedFor is a connection that nobody has: the webhook's answer to it is known.
const askedFor = "asked-for-by-webhook-check"

const checkUsage = `webhook check asks the API server to admit an annotated pod, as a dry run, and
sees that it asked the webhook: the configuration, the Service, the certificate
and the replicas work together. Nothing is made.

Exit status: 0 they do, 1 they do not within the timeout; the reason is printed.

Flags:
`

// check is the command of that name.
func check(ctx context.Context, args []string, out io.Writer) error {
	var o options
	var namespace string
	var timeout time.Duration
	flags := pflag.NewFlagSet("webhook check", pflag.ContinueOnError)
	addKubeconfig(flags, &o)
	flags.StringVar(&namespace, "try-namespace", "default", "`namespace` to try, which the webhook must serve")
	flags.DurationVar(&timeout, "timeout", time.Minute, "how long to try")
	if help, err := parse(flags, args, checkUsage); help != "" || err != nil {
		return printHelp(out, help, err)
	}
	config, err := clientConfig(o)
	if err != nil {
		return err
	}
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := awaitAnswer(ctx, clients, namespace, out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "the API server asks the webhook about annotated pods in namespace %q\n", namespace)
	return err
}

// awaitAnswer tries until the webhook answers or ctx ends, and says what it waits
// for whenever that changes.
func awaitAnswer(ctx context.Context, clients kubernetes.Interface, namespace string, out io.Writer) error {
	said := ""
	for {
		err := answer(ctx, clients, namespace)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
		if err.Error() != said {
			said = err.Error()
			_, _ = fmt.Fprintln(out, "waiting:", said) // the end is told by the error, too
		}
	}
}

// answer returns nil if the webhook refused the pod, as it must.
func answer(ctx context.Context, clients kubernetes.Interface, namespace string) error {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "webhook-check-", Annotations: map[string]string{mutate.AnnotationConnections: askedFor}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "none", Image: "none"}}},
	}
	_, err := clients.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	switch {
	case err == nil:
		return fmt.Errorf("the API server admitted an annotated pod in namespace %q without asking the webhook; see kubectl connection doctor", namespace)
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), fmt.Sprintf("connection %q is not available", askedFor)):
		return nil
	}
	return fmt.Errorf("asking for a pod in namespace %q: %w", namespace, err)
}

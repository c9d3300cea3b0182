// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/diagnose"
)

const (
	webhookNamespace = "sc-system"
	webhookSelector  = "app.kubernetes.io/name=service-connector"
	// longestLine is the longest line of a log that is read.
	longestLine = 1 << 20
)

// newLogsCommand shows what the webhook logged about something.
func newLogsCommand(env *environment) *cobra.Command {
	var follow, all bool
	var since time.Duration
	command := &cobra.Command{
		Use:   "logs [NAME | TYPE/WORKLOAD]",
		Short: "Show what the webhook logged about a connection or workload",
		Long: `Show what the webhook's pods logged, as JSON lines.

With the name of a connection: the lines about it in the namespace. With a
workload: the lines about its connections in the namespace. Without either: all
lines about the namespace, or about every namespace with -A.

No line holds a value of a Secret.`,
		Example: `  # one connection
  kubectl connection logs orders-db -n shop

  # a workload, as it goes on
  kubectl connection logs deployment/orders --follow

  # everything of the last ten minutes
  kubectl connection logs -A --since=10m`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			namespace, err := env.namespace()
			if err != nil {
				return clearly(err)
			}
			typed, objects, err := env.connect()
			if err != nil {
				return err
			}
			filter, err := logFilter(command.Context(), objects, namespace, args)
			if err != nil {
				return clearly(err)
			}
			if all {
				filter.Namespace = ""
			}
			options := &corev1.PodLogOptions{Follow: follow}
			if since > 0 {
				options.SinceSeconds = new(int64(since.Seconds()))
			}
			return env.logs(command.Context(), typed, filter, options)
		},
	}
	command.Flags().BoolVarP(&follow, "follow", "f", false, "Go on with new lines")
	command.Flags().BoolVarP(&all, "all-namespaces", "A", false, "Lines about every namespace")
	command.Flags().DurationVar(&since, "since", 0, "Only lines younger than this, such as 10m")
	return command
}

// logFilter says which lines are about the argument.
func logFilter(ctx context.Context, objects client.Client, namespace string, args []string) (diagnose.LogFilter, error) {
	filter := diagnose.LogFilter{Namespace: namespace}
	if len(args) == 0 {
		return filter, nil
	}
	if !strings.Contains(args[0], "/") {
		filter.Connections = args
		return filter, nil
	}
	target, err := diagnose.ParseTarget(namespace, args[0])
	if err != nil {
		return filter, err
	}
	filter.Connections, err = diagnose.ConnectionsOf(ctx, objects, target)
	if err == nil && len(filter.Connections) == 0 {
		err = fmt.Errorf("%s uses no connection; see kubectl connection explain %s -n %s", target, target, namespace)
	}
	return filter, err
}

// logs prints the lines that a filter chooses from all pods of the webhook.
func (e *environment) logs(ctx context.Context, typed kubernetes.Interface, filter diagnose.LogFilter, options *corev1.PodLogOptions) error {
	pods, err := typed.CoreV1().Pods(webhookNamespace).List(ctx, metav1.ListOptions{LabelSelector: webhookSelector})
	if err != nil {
		return clearly(fmt.Errorf("looking for the webhook's pods: %w", err))
	}
	if len(pods.Items) == 0 {
		return fmt.Errorf("no pod in namespace %s has the label %s: the webhook does not run in this cluster; see kubectl connection doctor", webhookNamespace, webhookSelector)
	}
	lines := &lineWriter{out: e.Out}
	var group sync.WaitGroup
	problems := make([]error, len(pods.Items))
	for i, pod := range pods.Items {
		group.Go(func() { problems[i] = lines.from(ctx, typed, pod.Name, filter, options) })
	}
	group.Wait()
	if ctx.Err() == nil && lines.count == 0 && errors.Join(problems...) == nil {
		fmt.Fprintf(e.ErrOut, "none of the %d pods of the webhook logged anything about that\n", len(pods.Items))
	}
	return clearly(errors.Join(problems...))
}

// lineWriter prints whole lines that come from several pods.
type lineWriter struct {
	mu    sync.Mutex
	out   io.Writer
	count int
}

func (w *lineWriter) from(ctx context.Context, typed kubernetes.Interface, pod string, filter diagnose.LogFilter, options *corev1.PodLogOptions) error {
	stream, err := typed.CoreV1().Pods(webhookNamespace).GetLogs(pod, options).Stream(ctx)
	if err != nil {
		return fmt.Errorf("reading the log of pod %s: %w", pod, err)
	}
	defer func() { _ = stream.Close() }()
	scanner := bufio.NewScanner(stream)
	scanner.Buffer(nil, longestLine)
	for scanner.Scan() {
		if filter.Match(scanner.Bytes()) {
			w.write(scanner.Bytes())
		}
	}
	if err := scanner.Err(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("reading the log of pod %s: %w", pod, err)
	}
	return nil
}

func (w *lineWriter) write(line []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count++
	fmt.Fprintf(w.out, "%s\n", line)
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"serviceconnector.dev/pkg/connections/azure"
)

// options are the command line's flags.
type options struct {
	kubeconfig        string
	namespace         string
	namespaces        []string
	service           string
	configuration     string
	certificateSecret string
	hosts             []string
	listen            string
	metrics           string
	health            string
	certificateLife   time.Duration
	caSettle          time.Duration
	drain             time.Duration
	pace              int
	scan              time.Duration
	evict             bool
	roll              bool
	azure             azure.Config
	azureInterval     time.Duration
	azureServe        []string
	azureFederate     bool
	azurePropagation  time.Duration
	tracing           string
	logLevel          string
	logFormat         string
}

const usage = `webhook serves the admission webhooks of Service Connector for Kubernetes.

A workload or pod that carries the annotation
    serviceconnector.dev/connections: orders-db, receipts
gets the Secret, the service account and the workload-identity label of these
connections; what of it is missing in its namespace is made.

In a cluster no flag is needed. Outside of one, say where the cluster is and
under which address the API server reaches this process:
    webhook --kubeconfig ~/.kube/config --listen 127.0.0.1:9443 --host 127.0.0.1

Commands:
  check     see that the API server asks the webhook; check --help says more
  version   print the version, its commit and platform, and exit

Flags:
`

// parseOptions reads the flags. help is the text to print where the user asked
// for it.
func parseOptions(args []string) (o options, help string, err error) {
	flags := pflag.NewFlagSet("webhook", pflag.ContinueOnError)
	addKubeconfig(flags, &o)
	flags.StringVar(&o.namespace, "namespace", "sc-system",
		"`namespace` of this installation; the credentials of ClusterConnections and the certificate authority are there")
	flags.StringSliceVar(&o.namespaces, "namespaces", nil,
		"serve these `namespaces` alone, and need no rights in others; without it, all of them")
	flags.StringVar(&o.service, "service", "service-connector",
		"`name` of the Service in front of this process; the serving certificate is made out to it")
	flags.StringVar(&o.configuration, "configuration", "admission.serviceconnector.dev",
		"`name` of the MutatingWebhookConfiguration whose caBundle is kept up to date")
	flags.StringVar(&o.certificateSecret, "certificate-secret", "",
		"`name` of the Secret that cert-manager issues the serving certificate into, while its cainjector keeps the caBundle; without it, both are made here")
	flags.StringSliceVar(&o.hosts, "host", nil,
		"further host `names` or addresses for the serving certificate, for an API server that calls a URL")
	flags.DurationVar(&o.certificateLife, "certificate-lifetime", 24*time.Hour,
		"how long a serving certificate made here is good; it is renewed after two thirds of that")
	flags.DurationVar(&o.caSettle, "ca-settle", time.Minute,
		"how long a new certificate authority is published before it signs; longer than API servers take to notice")
	flags.DurationVar(&o.drain, "drain", 0,
		"how long to go on serving after being told to end, while callers are asked to leave")
	flags.IntVar(&o.pace, "pace", 50,
		"how many objects are brought up to date in a second when credentials or definitions change")
	flags.DurationVar(&o.scan, "scan-interval", 5*time.Minute,
		"how often running pods are looked at: which lack their connections, and which hold earlier values")
	flags.BoolVar(&o.evict, "evict-half-connected", false,
		"evict pods that lack connections which their annotation asks for, one of a workload at a time")
	flags.BoolVar(&o.roll, "allow-rollout", false,
		"roll the workloads of connections with rollout: Auto when their values change; without it, they are only reported")
	flags.StringVar(&o.listen, "listen", ":9443", "`address` for the API server's calls, over TLS")
	flags.StringVar(&o.metrics, "metrics", ":8080", "`address` for Prometheus' /metrics; 0 for none")
	flags.StringVar(&o.health, "health", ":8081", "`address` for /healthz and /readyz; 0 for none")
	flags.StringVar(&o.azure.Cluster, "azure-cluster", "",
		"resource `id` of this AKS cluster: the connections that Azure's Service Connector has on it become Connections here. Without it, Azure is never asked")
	flags.StringVar(&o.azure.Cloud, "azure-cloud", "AzurePublic", "Azure `cloud`: AzurePublic, AzureUSGovernment or AzureChina")
	flags.StringVar(&o.azure.Authority, "azure-authority-host", "",
		"`URL` of Entra ID in a cloud that is none of these; goes with --azure-resource-manager")
	flags.StringVar(&o.azure.ResourceManager, "azure-resource-manager", "",
		"`URL` of Azure Resource Manager in a cloud that is none of these")
	flags.DurationVar(&o.azureInterval, "azure-interval", 5*time.Minute,
		"how often Azure is asked for connections, and for the keys of what they lead to")
	flags.StringArrayVar(&o.azureServe, "azure-serve", nil,
		"`connection` of Azure and the namespaces that get it, too, beside its own: my_conn=team-a,team-b; may be repeated")
	flags.BoolVar(&o.azureFederate, "azure-federate", false,
		"make federated credentials for the service accounts of ClusterConnections and imported Connections; pods wait, gated, until theirs is there")
	flags.DurationVar(&o.azurePropagation, "azure-propagation", 10*time.Second,
		"how long pods wait after their federated credential was made, until it is known all over Azure")
	flags.StringSliceVar(&o.azure.Identities, "azure-identities", nil,
		"subscriptions and resource groups, as resource `ids`, whose identities may be given federated credentials; without it, the cluster's subscription")
	flags.StringVar(&o.tracing, "tracing-endpoint", "",
		"`URL` that takes traces by OTLP over HTTP, as http://collector:4318; the variables OTEL_* say more. Without it, there are none")
	flags.StringVar(&o.logLevel, "log-level", "info", "info for changes made, debug for the rest")
	flags.StringVar(&o.logFormat, "log-format", "json", "json or text")
	if help, err = parse(flags, args, usage); help != "" || err != nil {
		return o, help, err
	}
	return o, "", o.validate()
}

func addKubeconfig(flags *pflag.FlagSet, o *options) {
	flags.StringVar(&o.kubeconfig, "kubeconfig", os.Getenv("KUBECONFIG"),
		"kubeconfig `file` of the cluster; without it, the cluster this process runs in")
}

// parse reads flags, and nothing but flags. help is the text to print where the
// user asked for it; intro is its beginning.
func parse(flags *pflag.FlagSet, args []string, intro string) (help string, err error) {
	flags.SortFlags = false
	flags.Usage = func() {}
	switch err := flags.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		return intro + flags.FlagUsagesWrapped(90), nil
	case err != nil:
		return "", err
	}
	if flags.NArg() > 0 {
		return "", fmt.Errorf("unknown command %q", flags.Arg(0))
	}
	return "", nil
}

func (o options) validate() error {
	if _, _, err := o.listenAddress(); err != nil {
		return fmt.Errorf("--listen %q is no address; write host:port or :port", o.listen)
	}
	if o.logLevel != "info" && o.logLevel != "debug" {
		return fmt.Errorf("--log-level %q is unknown; write info or debug", o.logLevel)
	}
	if o.logFormat != "json" && o.logFormat != "text" {
		return fmt.Errorf("--log-format %q is unknown; write json or text", o.logFormat)
	}
	if err := o.validateAzure(); err != nil {
		return err
	}
	if o.certificateLife < time.Second {
		return fmt.Errorf("--certificate-lifetime %s is too short", o.certificateLife)
	}
	if o.caSettle <= 0 {
		return fmt.Errorf("--ca-settle %s is too short", o.caSettle)
	}
	if o.pace < 1 {
		return fmt.Errorf("--pace %d is too slow; write 1 or more", o.pace)
	}
	if o.scan < time.Second {
		return fmt.Errorf("--scan-interval %s is too short; write 1s or more", o.scan)
	}
	if o.drain < 0 {
		return fmt.Errorf("--drain %s is negative", o.drain)
	}
	if u, err := url.Parse(o.tracing); o.tracing != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("--tracing-endpoint %q is no URL; write http://host:4318 or https://…", o.tracing)
	}
	if strings.TrimSpace(o.namespace) == "" {
		return errors.New("--namespace is empty")
	}
	return nil
}

// scanned are the namespaces whose pods are looked at; "" is all of them.
func (o options) scanned() []string {
	if len(o.namespaces) == 0 {
		return []string{""}
	}
	return o.namespaces
}

func (o options) listenAddress() (host string, port int, err error) {
	host, text, err := net.SplitHostPort(o.listen)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(text)
	if err == nil && (port < 1 || port > 65535) {
		err = errors.New("port out of range")
	}
	return host, port, err
}

func (o options) validateAzure() error {
	if o.azure.Cluster != "" {
		if err := o.azure.Validate(); err != nil {
			return fmt.Errorf("--azure-cluster and what goes with it: %w", err)
		}
	}
	if _, err := extraNamespaces(o.azureServe); err != nil {
		return err
	}
	if o.azureFederate && o.azure.Cluster == "" {
		return fmt.Errorf("--azure-federate goes with --azure-cluster; write that, too")
	}
	if o.azureInterval < time.Second {
		return fmt.Errorf("--azure-interval %s is too short; write 1s or more", o.azureInterval)
	}
	if o.azurePropagation < 0 {
		return fmt.Errorf("--azure-propagation %s is no duration to wait; write 0 or more", o.azurePropagation)
	}
	return nil
}

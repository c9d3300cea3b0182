// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"serviceconnector.dev/pkg/connections/azure"
	"serviceconnector.dev/pkg/connections/azure/importer"
	"serviceconnector.dev/pkg/connections/controller"
	"serviceconnector.dev/pkg/connections/controller/federation"
)

// newAzure returns what asks Azure, nil where no cluster of it is named.
func newAzure(o options, log logr.Logger) (*azure.Client, error) {
	if o.azure.Cluster == "" {
		return nil, nil
	}
	return azure.New(o.azure, version, log.WithName("azure"))
}

// setupAzure adds to the leader's manager what asks Azure.
func (a *afterwards) setupAzure(mgr manager.Manager) error {
	o := a.options
	teller := controller.NewTeller(mgr.GetClient(), time.Now)
	extra, err := extraNamespaces(o.azureServe)
	if err != nil {
		return err
	}
	imports, err := importer.Setup(mgr, importer.Options{
		Source: a.source,
		Teller: teller,
		Meter:  a.meter,
		Live:   mgr.GetAPIReader(),
		Tenant: os.Getenv("AZURE_TENANT_ID"),
		Cloud:  o.azure.Cloud,
		Every:  o.azureInterval,
		Home:   o.namespace,
		Extra:  extra,
		Serves: func(namespace string) bool {
			return len(o.namespaces) == 0 || slices.Contains(o.namespaces, namespace)
		},
	})
	if err != nil || !o.azureFederate {
		return err
	}
	return federation.Setup(mgr, federation.Options{
		Azure:      a.source,
		Index:      a.index,
		Teller:     teller,
		Imported:   imports.Imported,
		Ready:      imports.Ready,
		Issuer:     func(ctx context.Context) (string, error) { return issuer(ctx, a.clients) },
		Live:       mgr.GetAPIReader(),
		Pods:       a.metadata,
		Namespaces: o.scanned(),
		Now:        time.Now,

		Propagation: o.azurePropagation,
	})
}

// extraNamespaces reads which linkers serve which namespaces beside their own, by the
// linker's name in lower case: Azure does not tell names apart by case.
func extraNamespaces(entries []string) (map[string][]string, error) {
	extra := map[string][]string{}
	for _, entry := range entries {
		linker, list, _ := strings.Cut(entry, "=")
		namespaces := strings.Split(list, ",")
		for _, namespace := range namespaces {
			if linker == "" || len(validation.IsDNS1123Label(namespace)) > 0 {
				return nil, fmt.Errorf("--azure-serve %q names no connection and its namespaces; write it as my_conn=team-a,team-b", entry)
			}
		}
		linker = strings.ToLower(linker)
		extra[linker] = append(extra[linker], namespaces...)
	}
	return extra, nil
}

// issuer asks the API server who issues the tokens of service accounts. Source:
// Kubernetes' documentation, "Service account issuer discovery".
func issuer(ctx context.Context, clients kubernetes.Interface) (string, error) {
	raw, err := clients.Discovery().RESTClient().Get().AbsPath("/.well-known/openid-configuration").DoRaw(ctx)
	if err != nil {
		return "", err
	}
	var document struct {
		Issuer string `json:"issuer"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		return "", err
	}
	if document.Issuer == "" {
		return "", errors.New("the API server names no issuer of tokens")
	}
	return document.Issuer, nil
}

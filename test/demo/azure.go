// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/azure"
	"serviceconnector.dev/test/azure/world"
)

const (
	// interval is how often the webhook asks Azure, and propagation how long a
	// federated credential takes to be known: less than the five minutes and the ten
	// seconds of an installation.
	interval    = time.Second
	propagation = 3 * time.Second

	appID       = "aaaaaaaa-0000-0000-0000-000000000000"
	appIdentity = world.Group + "Microsoft.ManagedIdentity/userAssignedIdentities/checkout"
	appAccount  = "sc-account-" + appID
)

// inAzure is what there is in the stand-in.
//
//go:embed azure/cloud.yaml
var inAzure []byte

// azure shows what becomes of connections that are in Azure.
func (d *demo) azure(ctx context.Context) error {
	d.step("starting the stand-in for Azure; nothing here goes to Azure itself")
	w, err := world.Open(ctx, d.cluster, world.Options{Interval: interval, Propagation: propagation})
	if err != nil {
		return err
	}
	defer w.Cloud.Stop()
	if err := d.fill(w.Cloud); err != nil {
		return err
	}
	d.step("  kubectl create namespace %s", namespace)
	if _, err := d.cluster.Kubectl(ctx, "create", "namespace", namespace); err != nil {
		return err
	}
	d.step("installing the CRDs and the webhook configuration, building and starting the webhook, with --azure-cluster and --azure-federate")
	p, err := w.Install(ctx)
	if err != nil {
		return err
	}
	if err := d.imports(ctx); err != nil {
		return fmt.Errorf("the connections of Azure: %w", err)
	}
	if err := d.federates(ctx, w); err != nil {
		return fmt.Errorf("the Deployment that uses them: %w", err)
	}
	seen, err := d.awaitShop(ctx, shop.checkAzure)
	seen.print(d.out)
	if err != nil {
		return err
	}
	requests := count(w.Cloud.Requests())
	requests.print(d.out)
	if err := requests.check(); err != nil {
		return err
	}
	return d.stay(ctx, "Everything is as it should be.", fmt.Sprintf(azureHint, d.cluster.Kubeconfig, d.cluster.Binary("kubectl"), p.Log))
}

const azureHint = `
It stays up until Ctrl-C. Look around:
  export KUBECONFIG=%s
  alias kubectl=%s
  kubectl get connections -A
  kubectl -n shop get pods,events
Give what Azure does not, and see orders become imported and ready:
  kubectl -n shop create secret generic sc-orders-credentials --from-literal=password=any
  kubectl -n shop get connection orders -w
Edit what Azure says, and see it put back:
  kubectl -n shop patch connection receipts --type=merge -p '{"spec":{"client":"java"}}'
The webhook's log: %s
`

// fill puts into the stand-in what is there before the product is.
func (d *demo) fill(cloud *azure.Cloud) error {
	seed, err := azure.ReadSeed(inAzure)
	if err != nil {
		return err
	}
	cloud.Add(seed)
	d.step("  in it: the AKS cluster shop with these connections, of test/demo/azure/cloud.yaml")
	var rows [][]string
	for _, one := range seed.Clusters {
		for _, l := range one.Linkers {
			rows = append(rows, []string{l.Name, l.Scope, word(l.Auth, "authType"), word(l.Target, "id")[len(world.Group):]})
		}
	}
	table(d.out, append([][]string{{"LINKER", "SCOPE", "AUTH", "TARGET"}}, rows...))
	return nil
}

// word returns a member of a document.
func word(document any, member string) string {
	object, _ := document.(map[string]any)
	text, _ := object[member].(string)
	return text
}

// given is what is in the Secrets, or in part, of what azure/cloud.yaml has.
var given = map[string]map[string]string{
	"sc-jobs-secret": {"AZURE_STORAGEQUEUE_CONNECTIONSTRING": "AccountKey=a-key-of-the-stand-in"},
	"sc-receipts-secret": {
		"AZURE_STORAGEBLOB_RESOURCEENDPOINT": "https://receipts.blob.core.windows.net/",
		"AZURE_STORAGEBLOB_CLIENTID":         appID,
	},
}

// checkAzure returns nil if the shop holds exactly what the Deployment asks for.
func (s shop) checkAzure() error {
	if len(s.pods) != 1 || len(s.secrets) != 2 || len(s.accounts) != 1 {
		return fmt.Errorf("%d pods, %d Secrets and %d service accounts, want 1, 2 and 1", len(s.pods), len(s.secrets), len(s.accounts))
	}
	errs := []error{checkPod(s.pods[0], "secret sc-receipts-secret, secret sc-jobs-secret", appAccount)}
	for _, secret := range s.secrets {
		for name, part := range given[secret.Name] {
			if !strings.Contains(string(secret.Data[name]), part) {
				errs = append(errs, fmt.Errorf("%s of Secret %s is not what Azure has", name, secret.Name))
			}
		}
	}
	if s.accounts[0].Annotations[v1alpha1.AnnotationFederated] == "" {
		errs = append(errs, errors.New("the service account is not marked as trusted"))
	}
	return errors.Join(errs...)
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/azure"
	"serviceconnector.dev/test/product"
	"serviceconnector.dev/test/script"
)

// person is who runs scripts, as Azure knows them.
const (
	personID = "77777777-0000-0000-0000-000000000000"
	secret   = "not-a-real-" + canary
	// scripted is a cluster in Azure that no other test changes.
	scripted = group + "Microsoft.ContainerService/managedClusters/scripted"
	// scriptedIssuer is its issuer of tokens.
	scriptedIssuer = "https://issuer.example"
)

// TestScripts runs kubectl with the plugin in its path, as a person does who is logged
// in to Azure. Each script has a namespace of its own, $NAMESPACE, in which the
// connection receipts is imported.
func TestScripts(t *testing.T) {
	plugin, err := product.BuildPlugin(t.Context(), controlPlane)
	if err != nil {
		t.Fatal(err)
	}
	cloud.AddPrincipal(azure.Principal{ClientID: personID, Secret: secret, ObjectID: personID})
	cloud.AddCluster(azure.Cluster{ResourceID: scripted, IssuerURL: scriptedIssuer})
	setKey("first")
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			if _, err := script.Kubectl(t.Context(), env, controlPlane, plugin); err != nil {
				return err
			}
			for name, value := range map[string]string{
				"AZURE_TENANT_ID": tenant, "AZURE_CLIENT_ID": personID, "AZURE_CLIENT_SECRET": secret,
				"SSL_CERT_FILE": authority, "CLUSTER_ID": scripted, "AZURE": cloud.URL,
			} {
				env.Setenv(name, value)
			}
			return nil
		},
		Cmds:          commands(),
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// commands are those of all scripts, and switches of the cloud.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	all := script.Commands()
	// linker NAME: makes one by key, for the script's namespace and time.
	all["linker"] = func(ts *testscript.TestScript, _ bool, args []string) {
		l := byKey()
		l.Name, l.Scope = args[0], ts.Getenv("NAMESPACE")
		cloud.SetLinker(aks, l)
		ts.Defer(func() { cloud.RemoveLinker(aks, l.Name) })
	}
	// key KEY: gives the storage account another key.
	all["key"] = func(_ *testscript.TestScript, _ bool, args []string) { setKey(args[0]) }
	// deny ACTION, allow ACTION: takes a right from the person, gives it back.
	all["deny"] = func(_ *testscript.TestScript, _ bool, args []string) { cloud.Deny(personID, args[0]) }
	all["allow"] = func(_ *testscript.TestScript, _ bool, args []string) { cloud.Allow(personID, args[0]) }
	// forbid ACTION, permit ACTION: the same of the webhook.
	all["forbid"] = func(_ *testscript.TestScript, _ bool, args []string) { cloud.Deny(webhookID, args[0]) }
	all["permit"] = func(_ *testscript.TestScript, _ bool, args []string) { cloud.Allow(webhookID, args[0]) }
	// state STATE: has the cluster be in a state.
	all["state"] = func(_ *testscript.TestScript, _ bool, args []string) {
		c, _ := cloud.Cluster(scripted)
		c.State, c.IssuerURL = args[0], scriptedIssuer // which shows once it is enabled
		cloud.AddCluster(c)
	}
	// fails CODE MESSAGE: lets updates of clusters fail; without arguments, succeed.
	all["fails"] = func(_ *testscript.TestScript, _ bool, args []string) {
		u := azure.Update{Polls: 1}
		if len(args) == 2 {
			u.Code, u.Message = args[0], args[1]
		}
		cloud.SetUpdate(u)
	}
	// meanwhile: has somebody else change a cluster just before each update, until fails.
	all["meanwhile"] = func(*testscript.TestScript, bool, []string) { cloud.SetUpdate(azure.Update{Polls: 1, Meanwhile: true}) }
	return all
}

// A refresh reads a linker that is known already, and the keys, before it is said to
// be done.
func TestRefreshReadsAgain(t *testing.T) {
	s := newShop(t)
	setKey("first")
	name := s.link("asked", byKey())
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	settings := func() (n int) {
		for _, r := range cloud.Requests() {
			if r.Action == "Microsoft.ServiceLinker/linkers/listConfigurations/action" && filepath.Base(filepath.Dir(r.Path)) == s.prefix+"asked" {
				n++
			}
		}
		return n
	}
	s.eventually("its settings are known", func() bool { return settings() == 1 })
	setKey("second")
	request := time.Now().UTC().Format(time.RFC3339Nano)
	if _, err := controlPlane.Kubectl(t.Context(), "-n", s.name, "annotate", "connection", name, v1alpha1.AnnotationRefresh+"="+request); err != nil {
		t.Fatal(err)
	}
	s.eventually("it is refreshed", func() bool {
		c, _ := s.get(name)
		return c.Annotations[v1alpha1.AnnotationRefreshed] == request
	})
	if got := settings(); got != 2 {
		t.Errorf("its settings were read %d times, want twice", got)
	}
	if got := string(s.secret("sc-" + s.compact("asked") + "-credentials").Data["account_key"]); got != "second"+canary {
		t.Errorf("the key is %.6q…", got)
	}
}

// A linker can serve more namespaces than its own. In each it is what it is in its
// own, and it goes with the linker.
func TestLinkerServesMoreNamespaces(t *testing.T) {
	s := newShop(t)
	setKey("first")
	l := byKey()
	l.Name, l.Scope = "Every_Where", s.name
	cloud.SetLinker(aks, l)
	defer cloud.RemoveLinker(aks, l.Name)
	const name, credentials = "every-where", "sc-everywhere-credentials"
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	more := &shop{t: t, name: extraNamespace, prefix: s.prefix}
	s.eventually("it is told that a namespace is missing", func() bool {
		return strings.Contains(s.events(product.Namespace, v1alpha1.EventNotImported), `namespace "`+extraNamespace+`" does not exist`)
	})
	more.make()
	more.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	var pod string
	more.eventually("a pod is admitted", func() bool {
		made, err := more.create(name)
		if err == nil {
			pod = made.Spec.Containers[0].EnvFrom[0].SecretRef.Name
		}
		return err == nil
	})
	if pod != "sc-everywhere-secret" {
		t.Errorf("the pod gets Secret %q", pod)
	}
	setKey("second")
	more.eventually("a rotated key follows", func() bool { return string(more.secret(credentials).Data["account_key"]) == "second"+canary })
	cloud.RemoveLinker(aks, l.Name)
	for _, in := range []*shop{s, more} {
		in.eventually("it goes with the linker", func() bool {
			_, there := in.get(name)
			return !there && in.secret(credentials).UID == ""
		})
	}
}

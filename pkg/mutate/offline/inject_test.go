// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the goldens anew")

// inject injects a manifest that defines what it needs, and says what was denied
// and warned of.
func inject(t *testing.T, text string) (injected, said string, needs []Need) {
	t.Helper()
	file, err := Parse("in.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	world := NewWorld("sc-system", "default")
	if err := world.Learn(file); err != nil {
		t.Fatal(err)
	}
	injector := NewInjector(world)
	result, err := injector.Inject(t.Context(), file)
	for _, object := range result.Objects {
		for _, warning := range object.Warnings {
			said += fmt.Sprintf("%s/%s: %s\n", object.Kind, object.Name, warning)
		}
	}
	if err != nil {
		said += err.Error() + "\n"
	}
	return result.Text, said, injector.Needs()
}

// Each golden holds a manifest (in.yaml) and what becomes of it: out.yaml, what is
// said, and the objects that are needed.
func TestGoldens(t *testing.T) {
	paths, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			in := archive.Files[0]
			out, said, needs := inject(t, string(in.Data))
			got := &txtar.Archive{Comment: archive.Comment, Files: []txtar.File{in, {Name: "out.yaml", Data: []byte(out)}}}
			if said != "" {
				got.Files = append(got.Files, txtar.File{Name: "said", Data: []byte(said)})
			}
			if text := documents(t, needs); text != "" {
				got.Files = append(got.Files, txtar.File{Name: "objects.yaml", Data: []byte(text)})
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(txtar.Format(archive)), string(txtar.Format(got))); diff != "" && !*update {
				t.Errorf("(-want +got; -update writes it):\n%s", diff)
			}
			if again, _, _ := inject(t, out); again != out {
				t.Errorf("injecting the injected changes it (-once +twice):\n%s", cmp.Diff(out, again))
			}
		})
	}
}

func documents(t *testing.T, needs []Need) string {
	t.Helper()
	var all strings.Builder
	for _, need := range needs {
		text, _, err := need.Document(Rendered)
		if err != nil {
			t.Fatal(err)
		}
		if text != "" {
			all.WriteString("---\n" + text)
		}
	}
	return all.String()
}

// The CRDs' defaults are all among ours: without one of them a binding from a file
// would have another revision than the cluster's.
func TestDefaultsAreTheCRDs(t *testing.T) {
	raw, err := os.ReadFile("../../../manifests/crds/serviceconnector.dev_connections.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd any
	if err := yaml.Unmarshal(raw, &crd); err != nil {
		t.Fatal(err)
	}
	var found []string
	collectDefaults(crd, "", &found)
	slices.Sort(found)
	want := []string{"client=none", "cloud=AzurePublic", "deletionPolicy=Retain", "inject=Env", "naming=Plain", "rollout=Never", "type=secret"}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("defaults of the CRD; setDefaults has to follow (-want +got):\n%s", diff)
	}
}

func collectDefaults(node any, name string, found *[]string) {
	switch node := node.(type) {
	case map[string]any:
		if value, ok := node["default"].(string); ok {
			*found = append(*found, name+"="+value)
		}
		for key, value := range node {
			collectDefaults(value, key, found)
		}
	case []any:
		for _, value := range node {
			collectDefaults(value, name, found)
		}
	}
}

// The namespaces that are skipped are those of the webhook configuration.
func TestSkipsAsTheWebhookDoes(t *testing.T) {
	raw, err := os.ReadFile("../../../manifests/install.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, term := range []string{
		`{key: kubernetes.io/metadata.name, operator: NotIn, values: ["kube-system","sc-system"]}`,
		`{key: control-plane, operator: NotIn, values: ["true"]}`,
		"{key: kubernetes.azure.com/managedby, operator: NotIn, values: [aks]}",
	} {
		if !strings.Contains(string(raw), term) {
			t.Errorf("the webhook configuration has no term %s; World.skips has to follow", term)
		}
	}
	if n := strings.Count(string(raw), "operator: NotIn"); n != 3*3 {
		t.Errorf("the three webhooks have %d terms, want 3 each; World.skips has to follow", n)
	}
	world := NewWorld("sc-system", "default")
	world.learnNamespace("aks", map[string]string{"kubernetes.azure.com/managedby": "aks"})
	world.learnNamespace("control", map[string]string{"control-plane": "true"})
	for namespace, want := range map[string]bool{"kube-system": true, "sc-system": true, "aks": true, "control": true, "shop": false} {
		if got := world.skips(namespace); got != want {
			t.Errorf("%s: %v, want %v", namespace, got, want)
		}
	}
}

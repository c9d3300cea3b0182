// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/draft"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// defaultHome is the namespace that the product is installed in.
const defaultHome = "sc-system"

// definitionFlags are the flags that create and update share: what a definition
// says.
type definitionFlags struct {
	set, settings, renames, objects       []string
	client, clientID, tenantID            string
	resourceID, cloud, inject, secretName string
	credentialsFile                       string
	fromStdin, cluster                    bool
	allow                                 []string
	home                                  string
}

func (f *definitionFlags) add(command *cobra.Command) {
	flags := command.Flags()
	flags.StringArrayVar(&f.set, "set", nil, "A parameter of the target, as name=value; may be repeated")
	flags.StringVar(&f.client, "client", "", "The client type, which decides the names and formats of the settings: "+strings.Join(catalogue.ClientTypes(), ", "))
	flags.StringVar(&f.resourceID, "resource-id", "", "The ARM resource id of the target; fills the parameters that it holds")
	flags.StringVar(&f.cloud, "cloud", "", "The Azure cloud of the target: "+strings.Join(catalogue.Clouds(), ", "))
	flags.StringVar(&f.clientID, "client-id", "", "The client id of the identity or of the service principal")
	flags.StringVar(&f.tenantID, "tenant-id", "", "The tenant of the identity, of the service principal or of the vault")
	flags.StringVar(&f.secretName, "secret-name", "", "The Secret with the credentials; with new credentials the one to write them to (<name>-credentials)")
	flags.StringVar(&f.credentialsFile, "credentials-file", "", "A file with the credentials, one name=value a line")
	flags.BoolVar(&f.fromStdin, "from-stdin", false, "Read the credentials from standard input, one name=value a line")
	flags.StringArrayVar(&f.settings, "setting", nil, "A setting of its own, as NAME=value; {parameter} in the value is filled in; may be repeated")
	flags.StringArrayVar(&f.renames, "rename", nil, "Another name for a setting, as OLD=NEW; may be repeated")
	flags.StringVar(&f.inject, "inject", "", "How the application gets the settings: Env, Files, Both")
	flags.StringArrayVar(&f.objects, "vault-object", nil, "With --auth=KeyVaultCSI: a secret of the vault, as NAME or NAME=VARIABLE; may be repeated")
	flags.StringArrayVar(&f.allow, "allow", nil, "With --cluster: whom it serves, as all or as label=value of namespaces; may be repeated")
	flags.StringVar(&f.home, "system-namespace", defaultHome, "The namespace of Service Connector, where the credentials of a ClusterConnection are")
	for name, values := range map[string][]string{
		"client": catalogue.ClientTypes(), "cloud": catalogue.Clouds(), "inject": {"Env", "Files", "Both"},
	} {
		// The flags were just made, so that this cannot go wrong.
		_ = command.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}

// apply puts what the flags say into a draft. What they do not say stays.
func (f *definitionFlags) apply(d *draft.Draft) error {
	spec := &d.Spec
	for to, value := range map[*string]string{&spec.Client: f.client, &spec.Target.ResourceID: f.resourceID, &spec.Target.Cloud: f.cloud} {
		if value != "" {
			*to = value
		}
	}
	if f.inject != "" {
		spec.Inject = v1alpha1.InjectMode(f.inject)
	}
	if err := eachPair("--set", f.set, func(name, value string) error { return setParameter(spec, name, value) }); err != nil {
		return err
	}
	if err := eachPair("--rename", f.renames, func(from, to string) error {
		if spec.Rename == nil {
			spec.Rename = map[string]string{}
		}
		spec.Rename[from] = to
		return nil
	}); err != nil {
		return err
	}
	if err := eachPair("--setting", f.settings, func(name, value string) error {
		spec.Settings = slices.DeleteFunc(spec.Settings, func(s v1alpha1.Setting) bool { return s.Name == name })
		spec.Settings = append(spec.Settings, v1alpha1.Setting{Name: name, Value: &value})
		return nil
	}); err != nil {
		return err
	}
	if err := f.applyVault(spec); err != nil {
		return err
	}
	d.SetIdentity(f.clientID, f.tenantID)
	if f.secretName != "" {
		spec.Auth.SecretRef = &v1alpha1.SecretReference{Name: f.secretName}
	}
	return f.applyAllowed(d)
}

func (f *definitionFlags) applyVault(spec *v1alpha1.ConnectionSpec) error {
	if len(f.objects) == 0 {
		return nil
	}
	if spec.Auth.Type != v1alpha1.AuthKeyVaultCSI {
		return errors.New("--vault-object goes with --auth=KeyVaultCSI")
	}
	if spec.Auth.KeyVaultCSI == nil {
		spec.Auth.KeyVaultCSI = &v1alpha1.KeyVaultCSI{}
	}
	spec.Auth.KeyVaultCSI.Objects = nil
	for _, object := range f.objects {
		name, variable, _ := strings.Cut(object, "=")
		spec.Auth.KeyVaultCSI.Objects = append(spec.Auth.KeyVaultCSI.Objects, v1alpha1.VaultObject{Name: name, Variable: variable})
	}
	return nil
}

// setParameter refuses credentials: arguments are seen by everybody who may list
// processes, and they stay in the shell's history.
func setParameter(spec *v1alpha1.ConnectionSpec, name, value string) error {
	if catalogue.Credential(name) {
		return fmt.Errorf("--set %s=…: a credential is never an argument; use --credentials-file, --from-stdin or --secret-name", name)
	}
	if spec.Target.Parameters == nil {
		spec.Target.Parameters = map[string]v1alpha1.Parameter{}
	}
	spec.Target.Parameters[name] = v1alpha1.Parameter(value)
	return nil
}

func (f *definitionFlags) applyAllowed(d *draft.Draft) error {
	switch {
	case len(f.allow) == 0:
		return nil
	case slices.Contains(f.allow, "all"):
		if len(f.allow) > 1 {
			return errors.New("--allow all already serves every namespace; leave the other --allow out")
		}
		d.Allowed = &v1alpha1.AllowedNamespaces{From: v1alpha1.AllowedFromAll}
		return nil
	}
	labels := map[string]string{}
	if err := eachPair("--allow", f.allow, func(name, value string) error { labels[name] = value; return nil }); err != nil {
		return fmt.Errorf("%w, or all", err)
	}
	d.Allowed = &v1alpha1.AllowedNamespaces{From: v1alpha1.AllowedFromSelector, Selector: &metav1.LabelSelector{MatchLabels: labels}}
	return nil
}

// readCredentials returns the credentials that the flags point at, or nil.
func (f *definitionFlags) readCredentials(in io.Reader) (map[string]string, error) {
	var raw []byte
	var err error
	switch {
	case f.credentialsFile != "" && f.fromStdin:
		return nil, errors.New("set either --credentials-file or --from-stdin")
	case f.credentialsFile != "":
		raw, err = os.ReadFile(f.credentialsFile)
	case f.fromStdin:
		raw, err = io.ReadAll(in)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the credentials: %w", err)
	}
	return draft.ParseCredentials(string(raw))
}

// eachPair calls set for each name=value.
func eachPair(flag string, pairs []string, set func(name, value string) error) error {
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" || value == "" {
			return fmt.Errorf("%s needs name=value", flag)
		}
		if err := set(name, value); err != nil {
			return err
		}
	}
	return nil
}

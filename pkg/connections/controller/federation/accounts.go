// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/azure"
)

// account is a service account that Azure is to trust.
type account struct {
	namespace, name string
	// credential is the name of the federated credential.
	credential string
	// marked says that the service account carries that name already.
	marked bool
	// sure says that it is known to be wanted; else it is left as it is.
	sure bool
	// owners are the definitions that it is in use for.
	owners []string
}

// subject is how a token names the service account. Source: Kubernetes' documentation
// of service account tokens.
func (a account) subject() string { return subjectOf(a.namespace, a.name) }

func subjectOf(namespace, name string) string {
	return "system:serviceaccount:" + namespace + ":" + name
}

// accounts returns the service accounts that are to be trusted, by the client ids of
// their identities in lower case.
func (f *federation) accounts() map[string][]account {
	federating := f.federating()
	if len(federating) == 0 {
		return nil
	}
	wanted := map[string][]account{}
	for object := range f.Index.All() {
		bindings := federating[object.Name]
		if object.Kind != connections.KindServiceAccount || len(bindings) == 0 {
			continue
		}
		uid, open := f.Index.Namespace(object.Namespace)
		marks, present := f.Index.Object(object)
		if !open || !present {
			continue
		}
		a := account{namespace: object.Namespace, name: object.Name, credential: f.credentialName(uid, object.Name)}
		a.marked = marks.Credentials == a.credential
		for _, b := range bindings {
			if f.inUse(object.Namespace, b) {
				a.owners = append(a.owners, b.Definition.Owner())
				_, sure := f.federates(b)
				a.sure = a.sure || sure
			}
		}
		if len(a.owners) > 0 {
			id := strings.ToLower(string(bindings[0].Identity.ClientID))
			wanted[id] = append(wanted[id], a)
		}
	}
	return wanted
}

// federating returns the bindings whose service accounts are to be trusted, by the
// service account's name.
func (f *federation) federating() map[string][]*connections.Binding {
	all := map[string][]*connections.Binding{}
	for _, offer := range f.Index.Definitions() {
		b := offer.Binding
		if b == nil {
			continue
		}
		if yes, _ := f.federates(b); yes {
			all[b.ServiceAccount] = append(all[b.ServiceAccount], b)
		}
	}
	return all
}

// federates reports whether the product sees to it that Azure trusts the service
// accounts of a binding, and whether that is sure.
func (f *federation) federates(b *connections.Binding) (yes, sure bool) {
	d := b.Definition
	if !b.Federates() || d.Namespace == "" {
		return b.Federates(), b.Federates()
	}
	return f.Imported(d)
}

// inUse reports whether a namespace may use a binding, and has its settings.
func (f *federation) inUse(namespace string, b *connections.Binding) bool {
	owner := b.Definition.Owner()
	if b.Definition.Namespace != "" {
		// Azure may have made its Secret, so that no object of ours tells of its use:
		// the service account does.
		return b.Definition.Namespace == namespace
	}
	marks, present := f.Index.Object(b.SettingsIn(namespace))
	return present && marks.Owner == owner && f.Index.Serves(owner, namespace)
}

// prefix is what the names of this cluster's federated credentials begin with.
func (f *federation) prefix() string { return "sc-" + digest(f.issuer)[:8] + "-" }

// credentialName returns the name of the federated credential of a service account in
// the namespace with a UID. Source of what a name may be: the REST reference of
// federated identity credentials.
func (f *federation) credentialName(namespace types.UID, account string) string {
	return f.prefix() + digest(string(namespace) + "/" + account)[:24]
}

// ours reports whether a federated credential is one that was made for this cluster.
func (f *federation) ours(c azure.FederatedCredential) bool {
	return strings.HasPrefix(c.Name, f.prefix()) && c.Issuer == f.issuer
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

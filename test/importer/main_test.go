// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package importer tests the import from Azure: the real webhook with the rights of
// its service account on a real kube-apiserver, and Azure's own clients in it, which
// talk over TLS to the stand-in of package azure. The token that the webhook shows
// there is one that the API server issued.
//
// All tests share one control plane, one webhook and one cloud. Each has a namespace
// and linkers of its own; what fails for all is mended before a test ends.
package importer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/azure"
	"serviceconnector.dev/test/cluster"
	"serviceconnector.dev/test/product"
)

const (
	tenant = "99999999-0000-0000-0000-000000000000"
	// webhookID and appID are the client ids of the webhook's identity and of an
	// application's.
	webhookID = "eeeeeeee-0000-0000-0000-000000000000"
	appID     = "aaaaaaaa-0000-0000-0000-000000000000"

	group       = "/subscriptions/sub/resourceGroups/shop/providers/"
	aks         = group + "Microsoft.ContainerService/managedClusters/shop"
	identityID  = group + "Microsoft.ManagedIdentity/userAssignedIdentities/service-connector"
	blob        = group + "Microsoft.Storage/storageAccounts/receipts/blobServices/default"
	account     = group + "Microsoft.Storage/storageAccounts/receipts"
	appIdentity = group + "Microsoft.ManagedIdentity/userAssignedIdentities/app"
	database    = group + "Microsoft.DBforPostgreSQL/flexibleServers/orders/databases/app"

	// interval is how often the webhook asks Azure here, and propagation how long a
	// federated credential takes to be known, and pods that need it wait.
	interval    = time.Second
	propagation = time.Second

	// extraNamespace is what the linker Every_Where serves beside its own.
	extraNamespace = "extra"
)

// The world that all tests share.
var (
	controlPlane *cluster.Cluster
	installed    *product.Product
	cloud        *azure.Cloud
	clients      kubernetes.Interface
	objects      client.Client
)

func TestMain(m *testing.M) {
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func runAll(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	if controlPlane, err = cluster.Start(ctx, cluster.Options{Audit: true}); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, controlPlane.Stop()) }()
	if err := connect(); err != nil {
		return 1, err
	}
	if cloud, err = azure.Start(azure.Options{TenantID: tenant, Keys: keys}); err != nil {
		return 1, err
	}
	defer cloud.Stop()
	cloud.SetPropagation(propagation)
	token, issuer, err := federate(ctx)
	if err != nil {
		return 1, err
	}
	cloud.AddIdentity(azure.Identity{ResourceID: identityID, ClientID: webhookID, PrincipalID: webhookID})
	cloud.AddCredential(identityID, azure.FederatedCredential{Name: "webhook", Issuer: issuer,
		Subject: "system:serviceaccount:" + product.Namespace + ":service-connector", Audiences: []string{audience}})
	cloud.AddIdentity(azure.Identity{ResourceID: appIdentity, ClientID: appID, PrincipalID: appID})
	cloud.AddCluster(azure.Cluster{ResourceID: aks})
	authority := filepath.Join(controlPlane.Dir, "azure-ca.pem")
	if err := os.WriteFile(authority, cloud.CA, 0o600); err != nil {
		return 1, err
	}
	installed, err = product.Start(ctx, controlPlane, product.Options{
		Args: []string{"--azure-cluster", aks, "--azure-authority-host", cloud.URL, "--azure-resource-manager", cloud.URL, "--azure-interval", interval.String(),
			"--azure-federate", "--azure-propagation", propagation.String(), "--azure-serve", "every_where=" + extraNamespace},
		Env: []string{"AZURE_CLIENT_ID=" + webhookID, "AZURE_TENANT_ID=" + tenant, "AZURE_FEDERATED_TOKEN_FILE=" + token,
			"SSL_CERT_FILE=" + authority},
	})
	if err != nil {
		return 1, err
	}
	if err := allowImport(ctx); err != nil {
		return 1, err
	}
	if err := holdPod(ctx); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func connect() (err error) {
	config := controlPlane.Config()
	if clients, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	objects, err = client.New(config, client.Options{Scheme: scheme})
	return err
}

// audience is that of tokens for Entra ID.
const audience = "api://AzureADTokenExchange"

// keys are what the API server signs service accounts' tokens with.
func keys(ctx context.Context, _ string) ([]byte, error) {
	return clients.CoreV1().RESTClient().Get().AbsPath("/openid/v1/jwks").DoRaw(ctx)
}

// federate writes a token of the webhook's service account into a file, as the kubelet
// does, and returns its path and the issuer.
func federate(ctx context.Context) (path, issuer string, err error) {
	_, err = clients.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: product.Namespace}}, metav1.CreateOptions{})
	if err != nil {
		return "", "", err
	}
	accounts := clients.CoreV1().ServiceAccounts(product.Namespace)
	if _, err := accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "service-connector"}}, metav1.CreateOptions{}); err != nil {
		return "", "", err
	}
	request, err := accounts.CreateToken(ctx, "service-connector", &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: []string{audience}, ExpirationSeconds: new(int64(3600))},
	}, metav1.CreateOptions{})
	if err != nil {
		return "", "", err
	}
	path = filepath.Join(controlPlane.Dir, "azure-token")
	if issuer, err = issuerOf(request.Status.Token); err != nil {
		return "", "", err
	}
	return path, issuer, os.WriteFile(path, []byte(request.Status.Token), 0o600)
}

// allowImport gives the rights that the chart gives with azure.cluster and
// azure.federation.enabled.
func allowImport(ctx context.Context) error {
	const name = "service-connector-import"
	_, err := clients.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"serviceconnector.dev"}, Resources: []string{"connections"}, Verbs: []string{"create", "patch", "delete"}},
			{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"watch", "patch"}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = clients.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: product.Namespace, Name: "service-connector"}},
	}, metav1.CreateOptions{})
	return err
}

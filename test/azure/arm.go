// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"net/http"
	"strings"
)

// arm answers as Azure Resource Manager does: it authenticates, authorizes, looks
// at the api-version, and asks the provider.
func (c *Cloud) arm(r *http.Request, call *call) answer {
	who, refusal := c.authenticate(r)
	if refusal != nil {
		return *refusal
	}
	call.Client = who.clientID
	t, ok := parse(r.URL.Path)
	if !ok {
		return unknownPath(r)
	}
	call.Action = t.action(r.Method)
	if c.isDenied(who.clientID, call.Action) {
		return forbidden(who, call.Action, t.resource())
	}
	if refusal := checkVersion(t, query(r, "api-version")); refusal != nil {
		return *refusal
	}
	return c.provider(r, t)
}

// provider asks the resource provider.
func (c *Cloud) provider(r *http.Request, t target) answer {
	switch t.kind() {
	case "microsoft.managedidentity/userassignedidentities":
		return c.userAssignedIdentities(r, t)
	case "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials":
		return c.federatedCredentials(r, t)
	case "microsoft.containerservice/managedclusters":
		return c.managedClusters(r, t)
	case "microsoft.containerservice/locations/operations", "microsoft.servicelinker/locations/operationstatuses":
		return c.operationStatus(r, t)
	case "microsoft.servicelinker/linkers":
		return c.serviceLinkers(r, t)
	case "microsoft.servicelinker/linkers/listconfigurations":
		return c.listConfigurations(r, t)
	case "microsoft.servicelinker/linkers/validatelinker":
		return c.validateLinker(r, t)
	}
	return c.keysOf(r, t)
}

// query returns a parameter, whose name ARM takes in any case.
func query(r *http.Request, name string) string {
	for found, values := range r.URL.Query() {
		if strings.EqualFold(found, name) {
			return values[0]
		}
	}
	return ""
}

func unknownPath(r *http.Request) answer {
	return failure(http.StatusNotFound, "ResourceNotFound", "The resource '%s' was not found.", r.URL.Path)
}

func notFound(t target) answer {
	return failure(http.StatusNotFound, "ResourceNotFound",
		"The Resource '%s/%s' under resource group '%s' was not found. "+
			"For more details please go to https://aka.ms/ARMResourceNotFoundFix",
		t.provider, strings.Join(append(t.types, t.names...), "/"), t.segment("resourceGroups"))
}

func noParent(t target, method, parent string) answer {
	verb := t.action(method)
	return failure(http.StatusNotFound, "ParentResourceNotFound",
		"Failed to perform '%s' on resource(s) of type '%s', because the parent resource '%s' could not be found.",
		verb[strings.LastIndex(verb, "/")+1:], strings.Join(t.types, "/"), parent)
}

func notAllowed(r *http.Request) answer {
	return failure(http.StatusMethodNotAllowed, "MethodNotAllowed",
		"The requested resource does not support http method '%s'.", r.Method)
}

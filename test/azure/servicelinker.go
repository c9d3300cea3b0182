// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"net/http"
)

const (
	linkerOperations = "2021-01-01-privatepreview"
	// oldLinkers is the version whose configurations are names and values alone.
	oldLinkers = "2022-05-01"
)

// serviceLinkers answers with a linker, or with those of a cluster.
func (c *Cloud) serviceLinkers(r *http.Request, t target) answer {
	if refusal := c.clusterOf(r, t); refusal != nil {
		return *refusal
	}
	if r.Method != http.MethodGet {
		return notAllowed(r)
	}
	if !t.open() {
		found, ok := c.linkerAt(t)
		if !ok {
			return notFound(t)
		}
		return jsonAnswer(http.StatusOK, found.resource(t.scope))
	}
	found, refusal := pageOf(c, r, "$skipToken", c.Linkers(t.scope), func(l Linker) string { return l.Name })
	if refusal != nil {
		return *refusal
	}
	list := make([]map[string]any, 0, len(found.items))
	for _, one := range found.items {
		list = append(list, one.resource(t.scope))
	}
	return jsonAnswer(http.StatusOK, map[string]any{"value": list, "nextLink": found.link()})
}

// clusterOf returns a refusal unless there is the cluster.
func (c *Cloud) clusterOf(r *http.Request, t target) *answer {
	if _, ok := c.Cluster(t.scope); !ok {
		return new(noParent(t, r.Method, t.scope))
	}
	return nil
}

func (c *Cloud) linkerAt(t target) (Linker, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.state.linkers[key(t.scope)][key(t.names[0])]
	return found, ok
}

// acted returns the linker that an action is for, or a refusal.
func (c *Cloud) acted(r *http.Request, t target) (Linker, *answer) {
	if refusal := c.clusterOf(r, t); refusal != nil {
		return Linker{}, refusal
	}
	if r.Method != http.MethodPost {
		return Linker{}, new(notAllowed(r))
	}
	found, ok := c.linkerAt(t)
	if !ok {
		return Linker{}, new(notFound(t))
	}
	return found, nil
}

// listConfigurations answers with names and values. Credentials are empty.
func (c *Cloud) listConfigurations(r *http.Request, t target) answer {
	found, refusal := c.acted(r, t)
	if refusal != nil {
		return *refusal
	}
	list := make([]map[string]any, 0, len(found.Configurations))
	for _, one := range found.Configurations {
		shown := map[string]any{"name": one.Name, "value": one.Value}
		if found.holdsCredential(one) {
			shown["value"] = ""
		}
		if query(r, "api-version") != oldLinkers {
			shown["configType"], shown["keyVaultReferenceIdentity"], shown["description"] = "Default", nil, ""
			if one.ConfigType != "" {
				shown["configType"] = one.ConfigType
			}
		}
		list = append(list, shown)
	}
	return jsonAnswer(http.StatusOK, map[string]any{"configurations": list})
}

// validateLinker begins a validation, which finds everything in order.
func (c *Cloud) validateLinker(r *http.Request, t target) answer {
	found, refusal := c.acted(r, t)
	if refusal != nil {
		return *refusal
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.begin(beginning{
		subscription: t.segment("subscriptions"), location: defaultLocation, resource: t.id(1),
		provider: "Microsoft.ServiceLinker", word: "operationStatuses", version: linkerOperations, polls: 1, running: "Accepted",
		properties: map[string]any{
			"linkerName": found.Name, "isConnectionAvailable": true, "sourceId": t.scope,
			"targetId": object(found.Target)["id"], "authType": object(found.Auth)["authType"],
			"validationDetail": []map[string]any{{
				"name": "The target existence is validated", "description": "", "result": "success", "errorCode": nil, "errorMessage": nil,
			}},
		},
	})
	return jsonAnswer(http.StatusAccepted, nil).with("Azure-Asyncoperation", o.url).with("Location", o.url)
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"net/http"
	"slices"
	"strings"
)

// Deny takes an action away from a client: a word of Azure's roles such as
// Microsoft.ServiceLinker/linkers/read. One that ends with * stands for all that
// begin so.
func (c *Cloud) Deny(clientID, action string) {
	c.change(func(s *state) {
		s.denied[key(clientID)] = append(s.denied[key(clientID)], strings.ToLower(action))
	})
}

// Allow takes a Deny of the same action back.
func (c *Cloud) Allow(clientID, action string) {
	c.change(func(s *state) {
		s.denied[key(clientID)] = slices.DeleteFunc(s.denied[key(clientID)],
			func(denied string) bool { return strings.EqualFold(denied, action) })
	})
}

func (c *Cloud) isDenied(clientID, action string) bool {
	action = strings.ToLower(action)
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.state.denied[key(clientID)], func(denied string) bool {
		prefix, wild := strings.CutSuffix(denied, "*")
		return denied == action || wild && strings.HasPrefix(action, prefix)
	})
}

func forbidden(who grant, action, scope string) answer {
	return failure(http.StatusForbidden, "AuthorizationFailed",
		"The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '%s' "+
			"or the scope is invalid. If access was recently granted, please refresh your credentials.",
		who.clientID, who.objectID, action, scope)
}

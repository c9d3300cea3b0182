// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"serviceconnector.dev/pkg/connections/catalogue"
)

// HasKeys reports whether Azure gives the credentials of a service.
func HasKeys(service string) bool {
	s, ok := catalogue.Lookup(service)
	return ok && s.Keys != nil
}

// Keys reads the credentials of the service with a resource id, and what goes with
// them, by the names that a Secret of credentials has. Its error never holds a part
// of the answer.
func (c *Client) Keys(ctx context.Context, service, resourceID string) (map[string][]byte, error) {
	s, ok := catalogue.Lookup(service)
	if !ok || s.Keys == nil {
		return nil, fmt.Errorf("Azure gives no credentials of %s", service) //nolint:staticcheck // a name
	}
	parameters, err := catalogue.ParseResourceID(service, resourceID)
	if err != nil {
		return nil, err
	}
	known := func(name string) (string, bool) {
		value, ok := parameters[name]
		return value, ok
	}
	path, err := catalogue.Render(s.Keys.Resource, known)
	if err != nil {
		return nil, fmt.Errorf("building the resource id: %w", err)
	}
	method := http.MethodGet
	if s.Keys.Call != "" {
		method, path = http.MethodPost, runtime.JoinPaths(path, s.Keys.Call)
	}
	var answer any
	if err := c.call(ctx, method, path, s.Keys.APIVersion, &answer); err != nil {
		return nil, err
	}
	keys := map[string][]byte{}
	for name, where := range s.Keys.Credentials {
		value := at(answer, where)
		if value == "" {
			return nil, fmt.Errorf("the answer has no %s, where the %s should be", where, name)
		}
		keys[name] = []byte(value)
	}
	for name, template := range s.Keys.Also {
		value, err := catalogue.Render(template, known)
		if err != nil {
			return nil, fmt.Errorf("building %s: %w", name, err)
		}
		keys[name] = []byte(value)
	}
	return keys, nil
}

// at returns the text at a path in decoded JSON, "" for none.
func at(value any, path string) string {
	for step := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(v) {
				return ""
			}
			value = v[n]
		default:
			return ""
		}
	}
	text, _ := value.(string)
	return text
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"cmp"
	"fmt"
	"strings"
)

// ResourceIDError says why a resource id is not one of a service. It holds no
// part of the id but the type of resource.
type ResourceIDError struct {
	// Service is the service's key.
	Service string
	// Expected is the template of its resource ids; "" if it has none.
	Expected string
	// Problem is what is wrong.
	Problem string
}

// Error implements error.
func (e *ResourceIDError) Error() string {
	message := fmt.Sprintf("the resource id does not fit %s: %s", e.Service, e.Problem)
	if e.Expected == "" {
		return message
	}
	return message + "; expected " + e.Expected
}

// ParseResourceID returns the parameters that the resource id of a service
// holds. As in Azure, only their values heed case. Its error is a
// *ResourceIDError.
func ParseResourceID(service, id string) (map[string]string, error) {
	s, ok := Lookup(service)
	if !ok {
		return nil, &ResourceIDError{Service: service, Problem: "there is no such service"}
	}
	if s.ResourceID == "" {
		return nil, &ResourceIDError{Service: service, Problem: "it has no resource ids; set the parameters"}
	}
	parameters, problem := match(s, id)
	if problem != "" {
		return nil, &ResourceIDError{Service: service, Expected: s.ResourceID, Problem: problem}
	}
	return parameters, nil
}

// ServicesOf returns the keys of the services that a resource id can be of, sorted;
// none where it is of no service.
func ServicesOf(id string) []string {
	var keys []string
	for _, s := range embedded().sorted {
		if s.ResourceID == "" || s.ARMType == "" {
			continue
		}
		if _, problem := match(s, id); problem == "" {
			keys = append(keys, s.Key)
		}
	}
	return keys
}

// match compares segment by segment and returns the parameters or the problem.
func match(s *Service, id string) (map[string]string, string) {
	want, have := strings.Split(s.ResourceID, "/"), strings.Split(strings.TrimSuffix(id, "/"), "/")
	if other := resourceType(have); !within(other, s.ARMType) {
		return nil, "it is of " + describe(other) + ", not of " + cmp.Or(s.ARMType, s.Name)
	}
	parameters := map[string]string{}
	for i, segment := range want {
		if i == len(have) {
			return nil, "/" + strings.Join(want[i:], "/") + " is missing at its end"
		}
		switch names := Placeholders(segment); {
		case len(names) == 0 && !strings.EqualFold(segment, have[i]):
			return nil, "it does not begin with " + strings.Join(want[:max(i+1, 2)], "/")
		case len(names) == 0:
		case have[i] == "":
			return nil, segment + " is empty"
		default:
			parameters[names[0]] = have[i]
		}
	}
	if len(have) > len(want) {
		return nil, "it goes on after " + want[len(want)-1]
	}
	return parameters, ""
}

// resourceType returns the type in a resource id, such as Microsoft.Cache/redis,
// or "" if there is none: the provider and the names at every other segment
// after it. Values, such as a group named providers, stand between those.
func resourceType(segments []string) string {
	var parts []string
	for i := 1; i < len(segments); i += 2 {
		switch {
		case len(parts) > 0:
			parts = append(parts, segments[i])
		case strings.EqualFold(segments[i], "providers") && i+1 < len(segments):
			parts = append(parts, segments[i+1])
		}
	}
	return strings.Join(parts, "/")
}

// within reports whether a resource type is another one or a parent of it. No
// type is a parent of all.
func within(parent, child string) bool {
	parent, child = strings.ToLower(parent), strings.ToLower(child)
	return parent == "" || parent == child || strings.HasPrefix(child, parent+"/")
}

// describe adds the services that have this resource type.
func describe(resource string) string {
	var keys []string
	for _, s := range embedded().sorted {
		if strings.EqualFold(s.ARMType, resource) {
			keys = append(keys, s.Key)
		}
	}
	if len(keys) == 0 {
		return fmt.Sprintf("%q", resource)
	}
	return fmt.Sprintf("%q (%s)", resource, strings.Join(keys, ", "))
}

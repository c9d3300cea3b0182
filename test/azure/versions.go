// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// versions are the api-versions of the providers whose answers are made here.
var versions = map[string][]string{
	"microsoft.servicelinker": {
		"2021-11-01-preview", "2022-01-01-preview", "2022-05-01", "2022-11-01-preview",
		"2023-04-01-preview", "2024-04-01", "2024-07-01-preview",
	},
	"microsoft.managedidentity":  {"2022-01-31-preview", "2023-01-31", "2023-07-31-preview", "2024-11-30"},
	"microsoft.containerservice": {"2024-09-01", "2024-10-01", "2025-01-01", "2025-02-01"},
}

// anyVersion is what others have to look like.
var anyVersion = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(-preview)?$`)

// checkVersion returns a refusal unless the provider has the version. What a
// status URL carries is checked with its signature.
func checkVersion(t target, version string) *answer {
	if version == "" {
		return new(failure(http.StatusBadRequest, "MissingApiVersionParameter",
			"The api-version query parameter (?api-version=) is required for all requests."))
	}
	known, ok := versions[strings.ToLower(t.provider)]
	switch {
	case strings.EqualFold(t.types[0], "locations"):
		return nil
	case ok && slices.Contains(known, version), !ok && anyVersion.MatchString(version):
		return nil
	}
	return new(failure(http.StatusBadRequest, "InvalidApiVersionParameter",
		"The api-version '%s' is invalid. The supported versions are '%s'.", version, strings.Join(known, ",")))
}

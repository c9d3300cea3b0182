// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// secretKey matches what a key of a Secret can be. Source: k8s.io/apimachinery
// util/validation IsConfigMapKey.
var secretKey = regexp.MustCompile(`^[-._a-zA-Z0-9]{1,253}$`)

// ParseCredentials reads lines of name=value. Blank lines and lines that begin
// with # are skipped; a value is taken as it is, quotes included. Its errors
// name the line and never hold what is on it. A line whose only equals signs end
// it is a key without a name, in base64.
func ParseCredentials(text string) (map[string]string, error) {
	credentials := map[string]string{}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if trimmed := strings.TrimSpace(line); trimmed == "" || trimmed[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		switch {
		case !ok, strings.Trim(value, "=") == "", !secretKey.MatchString(name):
			return nil, fmt.Errorf("line %d of the credentials is not name=value", number)
		case credentials[name] != "":
			return nil, fmt.Errorf("line %d of the credentials has the name of a line above; keep one of them", number)
		}
		credentials[name] = value
	}
	if len(credentials) == 0 {
		return nil, errors.New("the credentials are empty; write one name=value a line")
	}
	return credentials, nil
}

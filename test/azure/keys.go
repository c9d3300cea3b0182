// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"net/http"
	"strings"
)

// SetKeys sets what POST {resourceID}/{tail} answers, such as listKeys. A nil
// answer takes it away. The document is read when it is asked for.
func (c *Cloud) SetKeys(resourceID, tail string, answer any) {
	path := key(resourceID + "/" + strings.Trim(tail, "/"))
	c.change(func(s *state) {
		if answer == nil {
			delete(s.keys, path)
			return
		}
		s.keys[path] = answer
	})
}

// keysOf answers for an action of any other provider.
func (c *Cloud) keysOf(r *http.Request, t target) answer {
	c.mu.Lock()
	found, ok := c.state.keys[key(r.URL.Path)]
	c.mu.Unlock()
	switch {
	case !ok && t.open() && len(t.names) > 0 && r.Method == http.MethodPost:
		t.types = t.types[:len(t.names)]
		return notFound(t)
	case !ok:
		return unknownPath(r)
	case r.Method != http.MethodPost:
		return notAllowed(r)
	}
	return jsonAnswer(http.StatusOK, found)
}

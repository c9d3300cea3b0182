// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"net/http"
	"net/url"
	"strconv"
)

// page is a part of a list, and the link to the next one.
type page[T any] struct {
	items []T
	next  string
}

// pageOf cuts out of a sorted list what a request asks for. The token in a link
// is good for the same path alone, and names where the page before ended, so that
// what changes between two pages neither hides an item nor shows one twice.
func pageOf[T any](c *Cloud, r *http.Request, parameter string, list []T, name func(T) string) (page[T], *answer) {
	if token := query(r, parameter); token != "" {
		after, err := c.sealer.open(key(r.URL.Path), token)
		if err != nil {
			return page[T]{}, new(failure(http.StatusBadRequest, "InvalidSkipToken", "The skip token is not valid."))
		}
		for len(list) > 0 && key(name(list[0])) <= after {
			list = list[1:]
		}
	}
	size := c.sizeOf(query(r, "$top"))
	if len(list) <= size {
		return page[T]{items: list}, nil
	}
	parameters := r.URL.Query()
	parameters.Set(parameter, c.sealer.seal(key(r.URL.Path), key(name(list[size-1]))))
	return page[T]{list[:size], c.URL + (&url.URL{Path: r.URL.Path, RawQuery: parameters.Encode()}).String()}, nil
}

// sizeOf returns the size of pages, of which a client may ask for less.
func (c *Cloud) sizeOf(top string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if asked, err := strconv.Atoi(top); err == nil && asked > 0 {
		return min(asked, c.state.pageSize)
	}
	return c.state.pageSize
}

// link is how a next link is written where there is none.
func (p page[T]) link() *string {
	if p.next == "" {
		return nil
	}
	return &p.next
}

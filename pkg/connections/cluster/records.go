// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import "slices"

// records are the objects of ours by their namespace. One namespace has few: to look
// through them costs little, an entry takes less memory than in a map of all, and what
// a namespace holds is found without a look at the others.
type records map[interned][]*record

// find returns an object, nil if it is not there.
func (r records) find(k key) *record {
	for _, one := range r[k.namespace] {
		if one.key == k {
			return one
		}
	}
	return nil
}

// put sets an object and returns what it was before, nil if it was not there.
func (r records) put(one *record) (before *record) {
	held := r[one.namespace]
	for n := range held {
		if held[n].key == one.key {
			before, held[n] = held[n], one
			return before
		}
	}
	r[one.namespace] = append(held, one)
	return nil
}

// remove drops an object and returns what it was, nil if it was not there.
func (r records) remove(k key) (before *record) {
	before = r.find(k)
	if before == nil {
		return nil
	}
	r[k.namespace] = slices.DeleteFunc(r[k.namespace], func(one *record) bool { return one == before })
	if len(r[k.namespace]) == 0 {
		delete(r, k.namespace)
	}
	return before
}

// all returns those of every namespace.
func (r records) all() []*record {
	total := 0
	for _, held := range r {
		total += len(held)
	}
	all := make([]*record, 0, total)
	for _, held := range r {
		all = append(all, held...)
	}
	return all
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/azure"
)

// A thousand linkers become Connections at the rate that Azure allows, with none of
// its time wasted when it asks for a rest, and the next start writes nothing.
func TestThousandLinkers(t *testing.T) {
	const (
		linkers = 1000
		rest    = 3 * time.Second
		// perSecond and atOnce are the limit of a subscription, see docs/azure.md.
		perSecond, atOnce = 10, 100
	)
	s := newShop(t)
	start, first := time.Now(), len(cloud.Requests())
	for n := range linkers {
		s.link(fmt.Sprintf("n%d", n), byIdentity())
	}
	s.within(2*time.Minute, "half are there", func() bool { return len(s.versions()) >= linkers/2 })
	before := len(cloud.Requests())
	end := cloud.Fail(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/listConfigurations") },
		azure.Fault{Kind: azure.Status, Status: http.StatusTooManyRequests, RetryAfter: rest, Times: 1})
	defer end()
	s.within(4*time.Minute, "all are there", func() bool { return len(s.versions()) == linkers })
	took := time.Since(start)
	asked := len(armAfter(first))
	t.Logf("%d linkers in %s, with %d requests", linkers, took.Round(time.Second), asked)
	if most := atOnce + int(took.Seconds()+1)*perSecond; asked > most {
		t.Errorf("%d requests in %s, want %d at most", asked, took, most)
	}
	for i, r := range cloud.Requests()[before:] {
		if r.Status != http.StatusTooManyRequests {
			continue
		}
		if next := armAfter(before + i)[0]; next.At.Sub(r.At) < rest-100*time.Millisecond {
			t.Errorf("asked to rest for %s, it went on after %s", rest, next.At.Sub(r.At))
		}
	}
	s.imported(s.connection("n0"), metav1.ConditionTrue, v1alpha1.ReasonImported)
	settled := s.versions()
	if err := installed.Stop(); err != nil {
		t.Fatal(err)
	}
	before = len(cloud.Requests())
	if err := restart(t); err != nil {
		t.Fatal(err)
	}
	s.within(4*time.Minute, "all were looked at again", func() bool {
		looked := 0
		for _, r := range armAfter(before - 1) {
			if strings.HasSuffix(r.Path, "/listConfigurations") && r.Status == http.StatusOK {
				looked++
			}
		}
		return looked >= linkers
	})
	for name, version := range s.versions() {
		if settled[name] != version {
			t.Errorf("the restart wrote %s", name)
		}
	}
}

// versions are the resourceVersions of the namespace's Connections, by name.
func (s *shop) versions() map[string]string {
	s.t.Helper()
	var list v1alpha1.ConnectionList
	if err := objects.List(s.t.Context(), &list, client.InNamespace(s.name)); err != nil {
		s.t.Fatal(err)
	}
	all := map[string]string{}
	for _, c := range list.Items {
		all[c.Name] = c.ResourceVersion
	}
	return all
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRequest(t *testing.T) {
	tests := map[string]struct {
		annotations map[string]string
		want        Request
	}{
		"no annotation":         {nil, Request{}},
		"empty":                 {map[string]string{AnnotationConnections: ""}, Request{}},
		"only commas, blanks":   {map[string]string{AnnotationConnections: " , ,\t,\n"}, Request{}},
		"one":                   {map[string]string{AnnotationConnections: "orders-db"}, Request{Connections: []string{"orders-db"}}},
		"in the author's order": {map[string]string{AnnotationConnections: "b, a ,c"}, Request{Connections: []string{"b", "a", "c"}}},
		"twice is once":         {map[string]string{AnnotationConnections: "a,b,a"}, Request{Connections: []string{"a", "b"}}},
		"longest name": {map[string]string{AnnotationConnections: strings.Repeat("a", 52)},
			Request{Connections: []string{strings.Repeat("a", 52)}}},
		"containers": {map[string]string{AnnotationConnections: "a", AnnotationContainers: "app, init"},
			Request{Connections: []string{"a"}, Containers: []string{"app", "init"}}},
		"prefix": {map[string]string{AnnotationConnections: "a", AnnotationEnvPrefix + "a": "FIRST_"},
			Request{Connections: []string{"a"}, Prefixes: map[string]string{"a": "FIRST_"}}},
		"foreign annotations": {map[string]string{"example.com/connections": "!!", AnnotationInjected: "??"}, Request{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseRequest(test.annotations)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRequestDenies(t *testing.T) {
	long := strings.Repeat("a", 300<<10)
	tests := map[string]struct {
		key, value string
		quoted     string
	}{
		"another namespace":     {AnnotationConnections, "other/orders-db", `"other/orders-db"`},
		"parent folder":         {AnnotationConnections, "..", `".."`},
		"percent-encoded slash": {AnnotationConnections, "a%2fb", `"a%2fb"`},
		"control characters":    {AnnotationConnections, "a\x00\x1b[31mb", `"a\x00\x1b[31mb"`},
		"homoglyph":             {AnnotationConnections, "\u043erders-db", `"\u043erders-db"`},
		"upper case":            {AnnotationConnections, "Orders", `"Orders"`},
		"dash at the end":       {AnnotationConnections, "a-", `"a-"`},
		"dash at the start":     {AnnotationConnections, "-a", `"-a"`},
		"dot":                   {AnnotationConnections, "a.b", `"a.b"`},
		"inner blank":           {AnnotationConnections, "a b", `"a b"`},
		"53 characters":         {AnnotationConnections, strings.Repeat("a", 53), `"` + strings.Repeat("a", 53) + `"`},
		"300 KiB":               {AnnotationConnections, long, `"` + long[:64] + `..."`},
		"invalid UTF-8":         {AnnotationConnections, "a\xff", `"a\xff"`},
		"container":             {AnnotationContainers, "App", `"App"`},
		"prefix with a blank":   {AnnotationEnvPrefix + "a", "A B", `"A B"`},
		"prefix with a digit":   {AnnotationEnvPrefix + "a", "1A", `"1A"`},
		"prefix with equals":    {AnnotationEnvPrefix + "a", "A=", `"A="`},
		"empty prefix":          {AnnotationEnvPrefix + "a", "", `""`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ParseRequest(map[string]string{test.key: test.value})
			message := denied(t, err, ReasonMalformed)
			if !strings.Contains(message, test.quoted) {
				t.Errorf("message %q does not quote %s", message, test.quoted)
			}
			if !strings.Contains(message, test.key) {
				t.Errorf("message %q does not name the annotation %s", message, test.key)
			}
			if len(message) > 400 || strings.ContainsAny(message, "\n\x00\x1b") {
				t.Errorf("message is no bounded line: %q", message)
			}
		})
	}
	many := make([]string, MaxConnections+1)
	for i := range many {
		many[i] = strings.Repeat("a", i+1)
	}
	_, err := ParseRequest(map[string]string{AnnotationConnections: strings.Join(many, ",")})
	denied(t, err, ReasonMalformed)
}

func TestStrayPrefixes(t *testing.T) {
	request := Request{Connections: []string{"a"}, Prefixes: map[string]string{"c": "C_", "a": "A_", "b": "B_"}}
	if diff := cmp.Diff([]string{"b", "c"}, request.StrayPrefixes()); diff != "" {
		t.Errorf("stray prefixes (-want +got):\n%s", diff)
	}
}

// denied asserts that err is a denial for the reason, and returns its message.
func denied(t *testing.T, err error, reason Reason) string {
	t.Helper()
	var denial *Denial
	if !errors.As(err, &denial) {
		t.Fatalf("got error %v, want a denial", err)
	}
	if denial.Reason != reason {
		t.Errorf("reason %s, want %s", denial.Reason, reason)
	}
	return denial.Message
}

func FuzzParseRequest(f *testing.F) {
	f.Add("orders-db, receipts", "app", "a", "A_")
	f.Add(",,", "", "", "")
	f.Add("a/b,../..\x00", "é", "b", "=")
	f.Fuzz(func(t *testing.T, connections, containers, connection, prefix string) {
		request, err := ParseRequest(map[string]string{
			AnnotationConnections: connections, AnnotationContainers: containers, AnnotationEnvPrefix + connection: prefix,
		})
		if err != nil {
			if message := denied(t, err, ReasonMalformed); len(message) > 600 || strings.ContainsAny(message, "\n\r\x00") {
				t.Errorf("message is no bounded line: %q", message)
			}
			return
		}
		again, err := ParseRequest(map[string]string{
			AnnotationConnections: strings.Join(request.Connections, ","),
			AnnotationContainers:  strings.Join(request.Containers, ","), AnnotationEnvPrefix + connection: prefix,
		})
		if diff := cmp.Diff(request, again); err != nil || diff != "" {
			t.Errorf("written and read again: %v\n%s", err, diff)
		}
		for _, name := range request.Connections {
			if !strings.Contains(connections, name) || strings.ContainsAny(name, "/.% ") {
				t.Errorf("connection %q out of %q", name, connections)
			}
		}
	})
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import "fmt"

// entropy turns the bytes of a fuzzer into choices; when they run out, every
// choice is the first.
type entropy struct{ bytes []byte }

func (e *entropy) next(n int) int {
	if len(e.bytes) == 0 {
		return 0
	}
	b := e.bytes[0]
	e.bytes = e.bytes[1:]
	return int(b) % n
}

func pick[T any](e *entropy, choices ...T) T { return choices[e.next(len(choices))] }

// put sets a key to one of the choices; the choice absent leaves it out.
func put(e *entropy, object map[string]any, key string, choices ...any) {
	if v := pick(e, choices...); v != absent {
		object[key] = v
	}
}

var absent = any(struct{ absent bool }{true})

func randomPod(e *entropy) map[string]any {
	metadata := map[string]any{"name": "x", "futureField": map[string]any{"a": []any{1.5, nil, "~/"}}}
	put(e, metadata, "annotations", absent, nil, map[string]any{}, map[string]any{"a/b~c": "d"},
		map[string]any{AnnotationInjected: "forged@1", AnnotationConnections: "a"})
	put(e, metadata, "labels", absent, nil, map[string]any{}, map[string]any{"pod-template-hash": "h"},
		map[string]any{LabelWorkloadIdentity: "true", "a": "b"}, map[string]any{LabelWorkloadIdentity: "no"})
	spec := map[string]any{"futureList": []any{map[string]any{"x": "y"}}}
	put(e, spec, "serviceAccountName", absent, "", "default", "sc-account-1", nil)
	put(e, spec, "serviceAccount", absent, "default", "sc-account-1")
	put(e, spec, "volumes", absent, nil, []any{}, []any{map[string]any{"name": "own", "futureVolume": map[string]any{}}},
		[]any{map[string]any{"name": "sc-c0", "secret": map[string]any{"secretName": "s0", "defaultMode": 420}}})
	put(e, spec, "nodeName", absent, absent, "", "node-1")
	put(e, spec, "schedulingGates", absent, nil, []any{}, []any{map[string]any{"name": "example.com/other", "future": 1}},
		[]any{map[string]any{"name": SchedulingGate}})
	put(e, spec, "initContainers", absent, nil, []any{}, randomContainers(e, "init"))
	put(e, spec, "containers", randomContainers(e, "app"), []any{})
	return map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
}

func randomContainers(e *entropy, name string) []any {
	containers := make([]any, 0, 4)
	for i := range e.next(4) {
		container := map[string]any{"name": fmt.Sprint(name, i), "futureProbe": map[string]any{"deep": true}}
		if i == 0 {
			container["name"] = name
		}
		put(e, container, "env", absent, nil, []any{map[string]any{"name": "A", "value": "own"}},
			[]any{map[string]any{"name": "SERVICE_BINDING_ROOT", "value": "/own"}})
		put(e, container, "volumeMounts", absent, nil, []any{}, []any{map[string]any{"name": "own", "mountPath": "/own", "future": 1}},
			[]any{map[string]any{"name": "sc-c0", "mountPath": "/bindings/c0"}})
		put(e, container, "envFrom", absent, nil, []any{},
			[]any{map[string]any{"configMapRef": map[string]any{"name": "c", "optional": true}}},
			[]any{map[string]any{"secretRef": map[string]any{"name": "s1", "optional": true}}, map[string]any{"futureRef": "z"}},
			[]any{map[string]any{"prefix": "P_", "secretRef": map[string]any{"name": "s2"}}, map[string]any{"secretRef": map[string]any{"name": "s1"}}})
		containers = append(containers, container)
	}
	return containers
}

func randomRequest(e *entropy, container, prefix string) Request {
	request := Request{Prefixes: map[string]string{}}
	if e.next(3) == 1 {
		request.Containers = []string{pick(e, "app", "init", container)}
	}
	if e.next(2) == 1 && isPrefix(prefix) {
		request.Prefixes[pick(e, "c1", "c2")] = prefix
	}
	return request
}

func randomInjections(e *entropy) []Injection {
	var injections []Injection
	for i := range e.next(4) {
		injection := Injection{Connection: fmt.Sprint("c", i), Secret: fmt.Sprint("s", i), Revision: "r"}
		if e.next(2) == 1 {
			injection.WorkloadIdentity = true
			injection.ServiceAccount = pick(e, "", "sc-account-1")
			injection.Wait = pick(e, false, true)
		}
		switch e.next(4) {
		case 1:
			injection.Files = &Files{Secret: fmt.Sprint("s", i)}
		case 2:
			injection.Files = &Files{ProviderClass: "p", Path: fmt.Sprint("/mnt/", i)}
			injection.Secret = ""
		}
		injections = append(injections, injection)
	}
	return injections
}

func randomWorkload(e *entropy, kind string) map[string]any {
	metadata := map[string]any{"name": "x"}
	put(e, metadata, "annotations", absent, nil, randomAnnotations(e))
	template := map[string]any{"spec": map[string]any{"containers": []any{}}, "future": "field"}
	if e.next(4) > 0 {
		inner := map[string]any{"labels": map[string]any{"a": "b"}}
		put(e, inner, "annotations", absent, nil, map[string]any{}, randomAnnotations(e))
		template["metadata"] = inner
	}
	spec := map[string]any{"template": template}
	if kind == "CronJob" {
		spec = map[string]any{"jobTemplate": map[string]any{"spec": spec}}
	}
	return map[string]any{"kind": kind, "metadata": metadata, "spec": spec}
}

func randomAnnotations(e *entropy) map[string]any {
	annotations := map[string]any{}
	put(e, annotations, AnnotationConnections, absent, "a", "a,b", "")
	put(e, annotations, AnnotationContainers, absent, "app", "web")
	put(e, annotations, AnnotationEnvPrefix+"a", absent, "A_", "B_")
	put(e, annotations, AnnotationCopied, absent, "connections", "connections:"+digest("a")+",containers:"+digest("app"),
		"connections:"+digest("a,b"), "env-prefix.a:"+digest("A_"), "../own:0,own:0", ",,")
	put(e, annotations, "example.com/own", absent, "kept")
	put(e, annotations, "serviceconnector.dev/own", absent, "kept")
	return annotations
}

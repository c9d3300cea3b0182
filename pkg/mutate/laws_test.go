// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
)

// The laws, for any pod: patching what is patched gives nothing, all that was
// there is there still, and the same input gives the same bytes. Patches are
// applied by the library that the API server applies them with.

func FuzzInject(f *testing.F) {
	for i := range 24 {
		f.Add([]byte(strings.Repeat(string(rune('a'+i))+"\x00\x07\xff", i+1)), "app", "P_")
	}
	f.Fuzz(func(t *testing.T, seed []byte, container, prefix string) {
		source := &entropy{seed}
		original := mustEncode(t, randomPod(source))
		request := randomRequest(source, container, prefix)
		injections := randomInjections(source)

		once, err := injectRaw(original, request, injections)
		var denial *Denial
		if errors.As(err, &denial) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		again, err := injectRaw(original, request, injections)
		if err != nil || !bytes.Equal(once, again) {
			t.Errorf("same input, other bytes (%v):\n%s\n%s", err, once, again)
		}
		patched := apply(t, original, once)
		if rest, err := injectRaw(patched, request, injections); err != nil || rest != nil {
			t.Errorf("patching the patched gives %s (%v)\npod %s", rest, err, patched)
		}
		mustSurvive(t, "", decodeAny(t, original), decodeAny(t, patched))
		mustBeInjected(t, patched, request, injections)
	})
}

func FuzzCopyAnnotations(f *testing.F) {
	for i := range 24 {
		f.Add([]byte(strings.Repeat(string(rune('a'+i))+"\x03\xfe", i+1)))
	}
	f.Fuzz(func(t *testing.T, seed []byte) {
		source := &entropy{seed}
		kind := pick(source, "Deployment", "CronJob")
		created := pick(source, false, true)
		original := mustEncode(t, randomWorkload(source, kind))

		once, result := copyRaw(t, kind, original, created)
		again, _ := copyRaw(t, kind, original, created)
		if !bytes.Equal(once, again) {
			t.Errorf("same input, other bytes:\n%s\n%s", once, again)
		}
		patched := apply(t, original, once)
		if rest, _ := copyRaw(t, kind, patched, created); rest != nil {
			t.Errorf("patching the patched gives %s\nworkload %s", rest, patched)
		}
		before, after := templateAnnotations(t, kind, original), templateAnnotations(t, kind, patched)
		if diff := cmp.Diff(result, after); diff != "" {
			t.Errorf("the template is not what was announced (-announced +got):\n%s", diff)
		}
		earlier := copiedEarlier(before)
		if created {
			asked, err := DecodeWorkload(kind, original)
			if err != nil {
				t.Fatal(err)
			}
			maps.DeleteFunc(earlier, func(key string, _ bool) bool { _, ok := asked.Annotations[key]; return !ok })
		}
		for key, value := range before {
			if got, ok := after[key]; !earlier[key] && key != AnnotationCopied && (!ok || got != value) {
				t.Errorf("the author's %s=%q became %q, %v", key, value, got, ok)
			}
		}
		// Taking the workload's annotations away takes away what was copied.
		var bare map[string]any
		if err := json.Unmarshal(patched, &bare); err != nil {
			t.Fatal(err)
		}
		bare["metadata"] = map[string]any{"name": "x"}
		stripped := mustEncode(t, bare)
		removal, _ := copyRaw(t, kind, stripped, false)
		rest := templateAnnotations(t, kind, apply(t, stripped, removal))
		authors := maps.Clone(before)
		maps.DeleteFunc(authors, func(key, _ string) bool { return earlier[key] || key == AnnotationCopied })
		if diff := cmp.Diff(authors, rest); diff != "" {
			t.Errorf("after removal (-author's +got):\n%s", diff)
		}
	})
}

func injectRaw(raw []byte, request Request, injections []Injection) ([]byte, error) {
	pod, err := DecodePod(raw)
	if err != nil {
		return nil, err
	}
	patch, err := Inject(pod, request, injections)
	if err != nil {
		return nil, err
	}
	return patch.Encode()
}

func copyRaw(t *testing.T, kind string, raw []byte, created bool) ([]byte, map[string]string) {
	t.Helper()
	workload, err := DecodeWorkload(kind, raw)
	if err != nil {
		t.Fatal(err)
	}
	patch, result := CopyAnnotations(workload, created)
	encoded, err := patch.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return encoded, result
}

func templateAnnotations(t *testing.T, kind string, raw []byte) map[string]string {
	t.Helper()
	workload, err := DecodeWorkload(kind, raw)
	if err != nil {
		t.Fatal(err)
	}
	annotations := workload.Template.Pod().Metadata.Annotations
	if annotations == nil {
		return map[string]string{}
	}
	return annotations
}

// mustSurvive fails unless all of before is in after. Only what injection is
// for may differ: new entries of an envFrom, the service account, our mark.
func mustSurvive(t *testing.T, path string, before, after any) {
	t.Helper()
	switch b := before.(type) {
	case map[string]any:
		a, _ := after.(map[string]any)
		for key, value := range b {
			if _, ok := a[key]; !ok {
				t.Errorf("%s/%s is gone", path, key)
				continue
			}
			mustSurvive(t, path+"/"+key, value, a[key])
		}
	case []any:
		a, _ := after.([]any)
		switch grows := len(a) >= len(b); {
		case grows && (strings.HasSuffix(path, "/envFrom") || strings.HasSuffix(path, "/env")):
			a = a[len(a)-len(b):] // ours come first
		case grows && (strings.HasSuffix(path, "/volumes") || strings.HasSuffix(path, "/volumeMounts")):
			a = a[:len(b)]
		}
		if len(a) != len(b) {
			t.Errorf("%s had %d entries and has %d", path, len(b), len(a))
			return
		}
		for i := range b {
			mustSurvive(t, fmt.Sprint(path, "/", i), b[i], a[i])
		}
	default:
		mayChange := path == "/spec/serviceAccountName" && (before == "default" || before == "" || before == nil) ||
			path == "/metadata/annotations/"+AnnotationInjected ||
			before == nil && slices.ContainsFunc([]string{"/env", "/envFrom", "/labels", "/annotations", "/volumes", "/volumeMounts"}, func(s string) bool { return strings.HasSuffix(path, s) })
		if diff := cmp.Diff(before, after); diff != "" && !mayChange {
			t.Errorf("%s changed:\n%s", path, diff)
		}
	}
}

func mustBeInjected(t *testing.T, raw []byte, request Request, injections []Injection) {
	t.Helper()
	pod, err := DecodePod(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if len(request.Containers) > 0 && !slices.Contains(request.Containers, container.Name) {
			continue
		}
		if missing := missingSources(container.EnvFrom, envFromSources(request, injections)); len(missing) > 0 {
			t.Errorf("container %q lacks %v", container.Name, missing)
		}
	}
	for _, injection := range injections {
		if injection.WorkloadIdentity && pod.Metadata.Labels[LabelWorkloadIdentity] != "true" {
			t.Error("the label is missing")
		}
	}
	mustWait(t, raw, slices.ContainsFunc(injections, func(i Injection) bool { return i.Wait }))
}

// mustWait asserts that a pod has the gate if it has to wait and names no node.
func mustWait(t *testing.T, raw []byte, waits bool) {
	t.Helper()
	var pod struct {
		Spec gating `json:"spec"`
	}
	if err := json.Unmarshal(raw, &pod); err != nil {
		t.Fatal(err)
	}
	if waits && pod.Spec.NodeName == "" && !slices.Contains(pod.Spec.SchedulingGates, gate{SchedulingGate}) {
		t.Errorf("the pod does not wait: %+v", pod.Spec.SchedulingGates)
	}
}

func apply(t *testing.T, raw, patch []byte) []byte {
	t.Helper()
	if patch == nil {
		return raw
	}
	operations, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		t.Fatalf("patch %s: %v", patch, err)
	}
	result, err := operations.Apply(raw)
	if err != nil {
		t.Fatalf("applying %s to %s: %v", patch, raw, err)
	}
	return result
}

func decodeAny(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func mustEncode(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

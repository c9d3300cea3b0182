// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Command contender is a webhook that the product is measured against.
//
//	allow     answers every review with yes, and nothing else
//	constant  answers every review with the same patch
//	usual     decodes the pod into Kubernetes' types, changes it, encodes it and
//	          has controller-runtime find the differences
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"serviceconnector.dev/test/bench/effect"
)

func main() {
	mode := flag.String("mode", "constant", "allow, constant or usual")
	listen := flag.String("listen", "", "address")
	certificate := flag.String("certificate", "", "files")
	key := flag.String("key", "", "file")
	patch := flag.String("patch", "", "file with the constant patch")
	flag.Parse()
	handler, err := handlerOf(*mode, *patch)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/mutate", handler)
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Addr: *listen, Handler: mux, ReadHeaderTimeout: time.Minute,
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}}}
	log.Fatal(server.ListenAndServeTLS(*certificate, *key))
}

func handlerOf(mode, patch string) (http.Handler, error) {
	switch mode {
	case "allow":
		return constant(nil), nil
	case "constant":
		raw, err := os.ReadFile(patch)
		return constant(raw), err
	case "usual":
		return usual()
	}
	return nil, fmt.Errorf("mode %q is unknown", mode)
}

// constant reads of a review no more than its uid.
func constant(patch []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		_, rest, found := bytes.Cut(raw, []byte(`"uid":"`))
		uid, _, ended := bytes.Cut(rest, []byte(`"`))
		if err != nil || !found || !ended {
			http.Error(w, "no review", http.StatusBadRequest)
			return
		}
		response := map[string]any{"uid": string(uid), "allowed": true}
		if patch != nil {
			response["patch"], response["patchType"] = patch, "JSONPatch"
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
	})
}

func usual() (http.Handler, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, err
	}
	decoder := admission.NewDecoder(scheme)
	return admission.StandaloneWebhook(&admission.Webhook{Handler: admission.HandlerFunc(func(_ context.Context, request admission.Request) admission.Response {
		pod := &corev1.Pod{}
		if err := decoder.Decode(request, pod); err != nil {
			return admission.Errored(http.StatusBadRequest, err)
		}
		effect.Apply(pod)
		raw, err := json.Marshal(pod)
		if err != nil {
			return admission.Errored(http.StatusInternalServerError, err)
		}
		return admission.PatchResponseFromRaw(request.Object.Raw, raw)
	})}, admission.StandaloneOptions{})
}

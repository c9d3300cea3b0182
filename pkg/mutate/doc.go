// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package mutate turns what an author annotated into the change of a pod.
//
// It is pure: values in, values out, no client, no clock. Annotations become a
// Request (ParseRequest); a pod, its request and the injections of its
// connections become a JSON Patch (Inject); a workload's annotations become
// the patch of its pod template (CopyAnnotations).
//
// Patches are built, never diffed, so that a field which these types do not
// know survives. They obey three laws, each held by a fuzz target: patching
// what is patched already gives no operation; everything the author wrote is
// still there; the same input gives the same bytes.
//
// What an author has to mend is a Denial; no other error leaves this package
// but those of decoding.
package mutate

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package provision makes the objects of a binding exist in a namespace.
//
// What they should be is pure (desired.go). What nothing is known of is created,
// which cannot touch what somebody else made at the same moment; what is there
// and ours is written by server-side apply. There is one field manager, and one
// flight an object, detached from the request that asked for it: a client that
// hangs up, or a second that asks for the same, neither stops nor repeats it. An
// object of the right name that is not ours is used where it is what the binding
// needs, and never written.
//
// What the author or the platform team has to mend comes back as a
// *mutate.Denial; any other error means that nobody could tell.
package provision

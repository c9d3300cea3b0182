// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package importer keeps one Connection for each connection that Azure's Service
// Connector has on the cluster (a linker), in the namespace that it names.
//
// The contract:
//
//   - What Azure says in a Connection's spec is Azure's: an edit of it is put back,
//     with an event. How settings are injected, named, rolled out and left behind is
//     the namespace's, and stays.
//   - A Connection of that name that was not imported is left as it is, and the
//     linker is reported. So is one that nothing can be made of.
//   - Where Azure gives the keys of the target, they are read with every import into
//     the Secret that the Connection refers to, so that a rotated key follows. A
//     Secret of that name that somebody else made is left as it is, and used.
//   - A linker that is gone takes its Connection with it, and the keys that were read
//     for it; what had been made for pods follows its deletionPolicy.
//   - While Azure cannot be asked, everything stays as it is, and the condition
//     Imported says why.
//   - Nothing is written where nothing changed.
package importer

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Command bench measures what Service Connector costs, beside what else could do
// its work, on a real kube-apiserver and etcd:
//
//	go run ./bench -out ../docs
//
// Blocks of pods are made by turns in the namespace of each contender, in an order
// that moves on with every round, so that whatever disturbs the machine disturbs
// all alike. One contender is there twice, with nothing in its way: where those two
// differ, the run is thrown away, with exit status 1. Every figure has the interval
// that holds 95 of 100 draws of as many rounds.
//
// Two contenders are programs of others, azure-workload-identity and Kyverno, which
// are built from their Go modules: some minutes at first. They are measured in a run of
// their own, side by side with those of ours that they are compared with. Where one cannot be had, the benchmark goes on without it, and
// its report says why; -without leaves them out.
//
// It writes the figures between the markers of performance.md in the folder -out,
// and performance.json and performance.svg beside that. It needs Linux, from which
// it learns the processor time and the memory of a process.
package main

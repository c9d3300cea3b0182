// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Command tools is the few programs that test pods run, in one static binary:
//
//	printenv [NAME...]    all variables, sorted, or the values of those named
//	cat FILE...           the files' contents
//	ls [-R] DIR...        the names in a folder, with -R below it too
//	sleep SECONDS         waits
//	serve ADDRESS [TEXT]  answers HTTP requests with a text, or its host's name
//	get URL               prints the answer to an HTTP request, tried for 10 s
//	pause                 waits until it is told to end
//
// The command is taken from the name that the binary is called by, or else from
// the first argument.
package main

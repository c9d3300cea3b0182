// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import "fmt"

// Problem says why a connection cannot be given to pods. Reason is one of the
// reasons of the Ready condition; the message says where and what to do.
type Problem struct {
	Reason  string
	Message string
}

// Error returns the message.
func (p *Problem) Error() string { return p.Message }

func problem(reason, format string, args ...any) *Problem {
	return &Problem{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

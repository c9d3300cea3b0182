// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"errors"

	"github.com/go-logr/logr"
)

// errWaiting marks what is not wrong, but not there yet.
var errWaiting = errors.New("waiting")

// teller logs a problem once, and its end.
type teller struct {
	log  logr.Logger
	told string // the problem that was logged last
}

func (t *teller) tell(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch {
	case text == t.told:
		return
	case err == nil:
		t.log.Info("the certificate is kept up to date again")
	case errors.Is(err, errWaiting):
		t.log.Info("the certificate is not fully kept yet; trying again", "reason", text)
	default:
		t.log.Error(err, "the certificate cannot be kept up to date; trying again")
	}
	t.told = text
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// passTimeout bounds a pass, so that an API call that hangs does not keep the
// leaf from being renewed.
const passTimeout = 30 * time.Second

// maxPasses is how often a pass starts anew because another replica was first.
const maxPasses = 5

// errLost says that another replica wrote first; the pass starts anew.
var errLost = errors.New("another replica was first")

// Keeper keeps the serving certificate of one replica. Make one with New.
type Keeper struct {
	serving
	options Options
	poke    chan struct{}

	pass   sync.Mutex // one pass at a time; guards what follows
	known  ring       // the Secret's content when last seen
	seen   sightings  // of the live caBundle
	signer authority  // of the leaf
	leaf   *tls.Certificate
	issued time.Time // when the leaf was signed
	teller teller
}

// New returns a Keeper. It serves nothing before the first pass of Run or Sync.
func New(options Options) *Keeper {
	o := options.withDefaults()
	k := &Keeper{options: o, poke: make(chan struct{}, 1), teller: teller{log: o.Log}, serving: serving{host: o.Hosts[0], now: o.Now}}
	k.set(nil, nil, nil)
	return k
}

// Run makes a pass at once, then after every Interval and every Trigger, until
// ctx ends. Every replica runs it, leader or not. The error is always nil: what
// goes wrong is logged, once, and tried again.
func (k *Keeper) Run(ctx context.Context) error {
	ticker := time.NewTicker(k.options.Interval)
	defer ticker.Stop()
	for {
		if err := k.Sync(ctx); ctx.Err() == nil {
			k.tell(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-k.poke:
		}
	}
}

// Trigger asks Run for a pass now.
func (k *Keeper) Trigger() {
	select {
	case k.poke <- struct{}{}:
	default: // one is asked for already
	}
}

// Sync makes one pass: it reads the Secret and the configuration, writes what
// differs and renews the leaf where it is due. The leaf is renewed even when the
// API does not answer, from what is in memory.
func (k *Keeper) Sync(ctx context.Context) error {
	k.pass.Lock()
	defer k.pass.Unlock()
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	err := k.syncAPI(ctx)
	for n := 1; n < maxPasses && errors.Is(err, errLost); n++ {
		err = k.syncAPI(ctx)
	}
	err = errors.Join(err, k.renew())
	k.set(k.leaf, k.seen.certs, err)
	return err
}

// syncAPI reads the configuration first: what it publishes then is at least as
// new as what that configuration holds, and where another replica publishes in
// between, the patch is refused.
func (k *Keeper) syncAPI(ctx context.Context) error {
	target, err := k.readConfiguration(ctx)
	if err != nil {
		return err
	}
	held, err := k.keepSecret(ctx)
	if err != nil {
		return err
	}
	k.known = held
	return k.publish(ctx, target)
}

// renew signs a leaf where there is none, where it is old or where another
// authority is to sign.
func (k *Keeper) renew() error {
	now := k.options.Now()
	signer := k.options.policy().signer(k.known, k.signer, k.seen, now)
	switch {
	case k.known.empty():
		return nil // the pass has said why
	case signer.none():
		return errors.New("signing a serving certificate: every authority known has expired")
	case k.leaf != nil && signer.is(k.signer) && !k.leafDue(now):
		return nil
	}
	leaf, err := signer.issue(k.options.Hosts, now, k.options.LeafLifetime)
	if err != nil {
		return err
	}
	// Round drops the monotonic reading, which stands still while a machine is
	// suspended; certificates end by the wall clock.
	k.leaf, k.signer, k.issued = leaf, signer, now.Round(0)
	k.options.Log.Info("serving certificate signed",
		"authority", signer.cert.Subject.CommonName, "hosts", k.options.Hosts, "notAfter", leaf.Leaf.NotAfter)
	return nil
}

// leafDue also minds a clock that was set back to before the leaf's life.
func (k *Keeper) leafDue(now time.Time) bool {
	return spent(k.issued, k.leaf.Leaf.NotAfter, now) || now.Before(k.leaf.Leaf.NotBefore)
}

func (k *Keeper) tell(err error) {
	k.pass.Lock()
	defer k.pass.Unlock()
	k.teller.tell(err)
}

// lost marks errors that mean that another replica wrote first.
func lost(err error) error {
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return err
}

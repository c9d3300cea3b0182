// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"
)

const (
	// perSecond and atOnce bound the requests of a subscription, at half of what
	// Azure lets one identity write there at once, and at what it refills in a second.
	// Source: Azure's documentation of Resource Manager throttling, "Migrating to
	// regional throttling and token bucket algorithm".
	perSecond = 10
	atOnce    = 100
	// tryTime is how long one try may take, unless the configuration says otherwise.
	tryTime = 15 * time.Second
	// failuresInARow open the circuit, which stays so for restTime.
	failuresInARow = 5
	restTime       = 30 * time.Second
	// longestRest is the most that a Retry-After is believed.
	longestRest = time.Hour
)

// governor is what all requests pass, each of their tries. It has one state for
// each subscription.
type governor struct {
	now     func() time.Time
	tryTime time.Duration

	mu     sync.Mutex
	states map[string]*subscription
}

type subscription struct {
	limit   *rate.Limiter
	circuit *gobreaker.TwoStepCircuitBreaker[any]

	mu sync.Mutex
	// rests is until when Azure asked to be left alone.
	rests time.Time
	// failure is the last that counted, at failed.
	failure string
	failed  time.Time
}

func newGovernor(now func() time.Time, tryTime time.Duration) *governor {
	return &governor{now: now, tryTime: tryTime, states: map[string]*subscription{}}
}

// pausedError says that a request was not sent, and will not be before a time. The
// SDK does not try again.
type pausedError struct {
	// asked says that Azure asked for it; else it did not answer, or with failures.
	asked bool
	why   string
	until time.Time
}

// Error implements error.
func (e *pausedError) Error() string {
	return fmt.Sprintf("Azure is not asked before %s: %s", e.until.UTC().Format(time.RFC3339), e.why)
}

// NonRetriable tells the SDK's retry policy to give up.
func (*pausedError) NonRetriable() {}

// Do sends one try of a request, if and when it may be sent.
func (g *governor) Do(request *policy.Request) (*http.Response, error) {
	s := g.of(subscriptionOf(request.Raw().URL.Path))
	ctx := request.Raw().Context()
	if err := s.limit.Wait(ctx); err != nil {
		return nil, fmt.Errorf("waiting for its turn: %w", err)
	}
	if until := s.resting(); until.After(g.now()) {
		return nil, &pausedError{asked: true, why: "it answered 429 with a Retry-After", until: until}
	}
	done, err := s.circuit.Allow()
	if err != nil {
		failure, at := s.lastFailure()
		return nil, &pausedError{why: "the last " + strconv.Itoa(failuresInARow) + " requests failed, the last with: " + failure, until: at.Add(restTime)}
	}
	try, cancel := context.WithTimeout(ctx, g.tryTime)
	defer cancel() // the SDK has read the body by the time that Next returns
	response, err := request.Clone(try).Next()
	switch {
	case err != nil && ctx.Err() != nil:
		done(nil) // the caller's end, which says nothing of Azure
	case err != nil:
		s.fails(redact(err.Error()), g.now())
		done(err)
	case response.StatusCode >= http.StatusInternalServerError:
		s.fails(response.Status, g.now())
		done(errors.New(response.Status))
	default:
		done(nil)
	}
	if err == nil && response.StatusCode == http.StatusTooManyRequests {
		s.rest(g.now().Add(retryAfter(response.Header)))
	}
	return response, err
}

func (g *governor) of(name string) *subscription {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.states[name] == nil {
		g.states[name] = &subscription{
			limit: rate.NewLimiter(perSecond, atOnce),
			circuit: gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
				Timeout:     restTime,
				ReadyToTrip: func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= failuresInARow },
			}),
		}
	}
	return g.states[name]
}

func (s *subscription) resting() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rests
}

func (s *subscription) rest(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until.After(s.rests) {
		s.rests = until
	}
}

func (s *subscription) fails(why string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure, s.failed = why, at
}

func (s *subscription) lastFailure() (string, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure, s.failed
}

// subscriptionOf returns the subscription in a path, "" for none.
func subscriptionOf(path string) string {
	rest, ok := strings.CutPrefix(strings.ToLower(path), "/subscriptions/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// retryAfter reads how long to wait, as the SDK does: seconds, or a date.
func retryAfter(header http.Header) time.Duration {
	for name, unit := range map[string]time.Duration{"Retry-After-Ms": time.Millisecond, "X-Ms-Retry-After-Ms": time.Millisecond, "Retry-After": time.Second} {
		text := header.Get(name)
		if n, err := strconv.Atoi(text); err == nil && n > 0 {
			return min(time.Duration(n)*unit, longestRest)
		}
		if at, err := http.ParseTime(text); err == nil {
			return min(max(time.Until(at), 0), longestRest)
		}
	}
	return time.Second
}

// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"serviceconnector.dev/pkg/mutate"
)

const (
	// maxBody is the largest review that is read: two objects of the API
	// server's limit of 3 MiB, and their envelope.
	maxBody = 7 << 20
	// readTime is how long a body may take to arrive.
	readTime = 10 * time.Second
	// answerMargin is what is left of the API server's timeout for the way back.
	answerMargin = 500 * time.Millisecond
	// defaultBudget holds where the API server names no timeout.
	defaultBudget = 5 * time.Second
)

// Decider decides on requests. Its error is a *mutate.Denial, or says why it
// could not decide.
type Decider interface {
	Decide(context.Context, *Request) (Verdict, error)
}

// Observer is told of each admission; result is "allowed", "denied", "error"
// or "panic".
type Observer interface {
	Admitted(ctx context.Context, endpoint, result string, reason mutate.Reason, took time.Duration)
}

// Endpoint serves one kind of AdmissionReview over HTTP.
type Endpoint struct {
	Name     string
	Decider  Decider
	Observer Observer
	Log      logr.Logger
}

// ServeHTTP answers one AdmissionReview.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	defer e.recoverPanic(w, r, begin)
	buffer := bodies.Get().(*bytes.Buffer) //nolint:forcetypeassert // it holds nothing else
	defer giveBack(buffer)
	body, code, err := readBody(w, r, buffer)
	if err != nil {
		e.fail(w, r, begin, code, reasonMalformed, err)
		return
	}
	request, err := decodeReview(body)
	if err != nil {
		e.fail(w, r, begin, http.StatusBadRequest, reasonMalformed, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), budget(r.URL.RawQuery))
	defer cancel()
	verdict, err := e.Decider.Decide(ctx, request)
	denial, denied := errors.AsType[*mutate.Denial](err)
	if err != nil && !denied {
		e.Log.Error(err, "could not decide", "endpoint", e.Name, "namespace", request.Namespace)
		w.Header().Set("Retry-After", "1")
		e.fail(w, r, begin, http.StatusServiceUnavailable, reasonInternalError, err)
		return
	}
	e.answer(w, r, begin, request, verdict, denial)
}

func (e *Endpoint) answer(w http.ResponseWriter, r *http.Request, begin time.Time, request *Request, verdict Verdict, denial *mutate.Denial) {
	raw, err := encodeReview(request.UID, verdict, denial)
	if err != nil {
		e.fail(w, r, begin, http.StatusInternalServerError, reasonInternalError, err)
		return
	}
	result, reason := "allowed", verdict.Reason
	if denial != nil {
		result, reason = "denied", denial.Reason
		e.Log.Info("denied", "endpoint", e.Name, "namespace", request.Namespace, "reason", reason, "message", denial.Message)
	} else if log := e.Log.V(1); log.Enabled() {
		log.Info("allowed", "endpoint", e.Name, "namespace", request.Namespace, "reason", reason, "protocol", r.Proto)
	}
	send(w, raw)
	e.Observer.Admitted(r.Context(), e.Name, result, reason, time.Since(begin))
}

// send answers at once: the API server does not wait for what comes after it. A caller
// that left cannot be told.
func send(w http.ResponseWriter, raw []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	_, _ = w.Write(raw)
	_ = http.NewResponseController(w).Flush()
}

// fail answers with an HTTP error, which the API server takes as a failed call,
// so that the failurePolicy decides.
func (e *Endpoint) fail(w http.ResponseWriter, r *http.Request, begin time.Time, code int, reason mutate.Reason, err error) {
	http.Error(w, err.Error(), code)
	e.Observer.Admitted(r.Context(), e.Name, "error", reason, time.Since(begin))
}

// recoverPanic keeps the process alive and leaves the verdict to the
// failurePolicy. The value of the panic is not logged: it could hold anything.
func (e *Endpoint) recoverPanic(w http.ResponseWriter, r *http.Request, begin time.Time) {
	p := recover()
	if p == nil {
		return
	}
	e.Log.Error(fmt.Errorf("panic of type %T", p), "recovered", "endpoint", e.Name, "stack", string(debug.Stack()))
	http.Error(w, "Service Connector failed on this request; its log has the stack", http.StatusInternalServerError)
	e.Observer.Admitted(r.Context(), e.Name, "panic", reasonPanic, time.Since(begin))
}

// bodies are buffers for bodies. A request and its pod are parts of a buffer while
// the request is answered; what outlives it has its own strings.
var bodies = sync.Pool{New: func() any { return &bytes.Buffer{} }}

// largestKept is the largest buffer that is kept for the next body.
const largestKept = 64 << 10

func giveBack(buffer *bytes.Buffer) {
	if buffer.Cap() <= largestKept {
		buffer.Reset()
		bodies.Put(buffer)
	}
}

func readBody(w http.ResponseWriter, r *http.Request, buffer *bytes.Buffer) (body []byte, code int, err error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, http.StatusMethodNotAllowed, errors.New("send an AdmissionReview by POST")
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		return nil, http.StatusUnsupportedMediaType, errors.New("send an AdmissionReview as application/json")
	}
	// Without a deadline a caller could hold a connection for ever; it must not
	// outlast the body, or it would end the request. A writer that has none is a
	// test's.
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(readTime))
	body, err = readAll(buffer, http.MaxBytesReader(w, r.Body, maxBody), r.ContentLength)
	_ = connection.SetReadDeadline(time.Time{})
	switch _, tooLarge := errors.AsType[*http.MaxBytesError](err); {
	case tooLarge:
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("the body is larger than %d bytes", maxBody)
	case err != nil:
		return nil, http.StatusBadRequest, errors.New("the body did not arrive whole")
	}
	return body, 0, nil
}

func isJSON(contentType string) bool {
	const wanted = "application/json"
	if contentType == wanted { // what the API server says
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == wanted
}

// readAll reads a body that says how long it is, -1 for not.
func readAll(buffer *bytes.Buffer, body io.Reader, length int64) ([]byte, error) {
	if length > 0 && length <= maxBody {
		buffer.Grow(int(length) + bytes.MinRead) // room for the end to be seen
	}
	_, err := buffer.ReadFrom(body)
	return buffer.Bytes(), err
}

// budget is the time to decide in: what the API server says it waits, less a
// margin. Source: k8s.io/apiserver appends timeout=<seconds>s to the URL.
func budget(query string) time.Duration {
	timeout := ""
	for part := range strings.SplitSeq(query, "&") {
		if value, ok := strings.CutPrefix(part, "timeout="); ok {
			timeout = value
		}
	}
	d, err := time.ParseDuration(timeout)
	if err != nil || d <= 2*answerMargin {
		return defaultBudget
	}
	return min(d, 30*time.Second) - answerMargin
}

func joined(names []string) string { return strings.Join(names, ",") }

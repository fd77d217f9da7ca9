package demo

import (
	"net/http"
	"strings"

	"github.com/fennelmetrics/fennel"
)

// endpoint is the label set of what is told apart by method and route.
type endpoint struct {
	Method string `label:"method"`
	Route  string `label:"route"`
}

// response is the label set of requests. The status has a counter only, and not
// a histogram for each: buckets times statuses would be many series for little
// insight.
type response struct {
	Method string `label:"method"`
	Route  string `label:"route"`
	Status int    `label:"status"`
}

type httpMetrics struct {
	inFlight *fennel.Gauge
	requests *fennel.CounterVec[response]
	duration *fennel.HistogramVec[endpoint]
	size     *fennel.SummaryVec[endpoint]
}

func newHTTPMetrics(reg *fennel.Registry) httpMetrics {
	in := fennel.In(reg)
	return httpMetrics{
		inFlight: fennel.NewGauge("http_requests_in_flight", "HTTP requests being served.", in),
		requests: fennel.NewCounterVec[response]("http_requests_total", "HTTP requests served.", in),
		duration: fennel.NewHistogramVec[endpoint]("http_request_duration_seconds", "Time to serve a request.",
			fennel.Unit("seconds"), in),
		size: fennel.NewSummaryVec[endpoint]("http_response_size_bytes", "Size of the bodies of responses.",
			fennel.Unit("bytes"), in),
	}
}

// measure returns a handler that serves with next, a [http.ServeMux], and
// measures in reg what it does.
func measure(reg *fennel.Registry, next http.Handler) http.Handler {
	m := newHTTPMetrics(reg)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Deferred, so that a handler that panics doesn't stay in flight.
		defer m.inFlight.Track()()
		timer := fennel.StartTimer()
		rec := &recorder{ResponseWriter: w}
		next.ServeHTTP(rec, r)

		// Only now the route is known: the mux has noted it in the request.
		e := endpoint{methodOf(r), routeOf(r)}
		timer.StopTo(m.duration.With(e))
		m.size.With(e).Observe(float64(rec.size))
		m.requests.With(response{e.Method, e.Route, rec.statusOf(r)}).Inc()
	})
}

// methodOf returns the method as a label. A method is whatever a client sends,
// and clients must not be able to create series: what is uncommon is "other".
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// routeOf returns the pattern that the mux has found, such as /products/{id},
// without its method. It must not be the path: each path would be a series.
func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return "unknown"
	}
	return r.Pattern[strings.IndexByte(r.Pattern, ' ')+1:]
}

// recorder notes what a handler answers.
type recorder struct {
	http.ResponseWriter
	status int
	size   int
}

// WriteHeader notes the status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 { // those below are not the answer yet
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write notes the size.
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.size += n
	return n, err
}

// Unwrap lets [http.ResponseController] through.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// statusClientGone is nginx's status for requests whose client didn't wait for
// the answer. They are no errors of the server, so they are not a 5xx.
const statusClientGone = 499

// statusOf returns the status to count, once the handler has returned.
func (r *recorder) statusOf(req *http.Request) int {
	switch {
	case r.status != 0:
		return r.status
	case req.Context().Err() != nil:
		return statusClientGone
	}
	return http.StatusOK // what net/http then sends
}

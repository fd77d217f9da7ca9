// Client_golang serves one counter.
package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "hello_total", Help: "Hellos."})
	prometheus.MustRegister(c)
	c.Inc()
	http.Handle("/metrics", promhttp.Handler())
	http.ListenAndServe(":8080", nil)
}

// Otel serves one counter.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
)

func main() {
	exporter, err := prometheus.New()
	if err != nil {
		log.Fatal(err)
	}
	c, err := metric.NewMeterProvider(metric.WithReader(exporter)).Meter("hello").Int64Counter("hello")
	if err != nil {
		log.Fatal(err)
	}
	c.Add(context.Background(), 1)
	http.Handle("/metrics", promhttp.Handler())
	http.ListenAndServe(":8080", nil)
}

// Quickstart is the smallest whole program: an HTTP server that says hello,
// counts its requests, and serves its metrics beside them.
//
//	go run ./examples/quickstart
//	curl localhost:8080/
//	curl localhost:8080/metrics
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

type request struct { // the label set is a type: its fields are the labels
	Method string `label:"method"`
	Status int    `label:"status"`
}

var (
	requests = fennel.NewCounterVec[request]("http_requests_total", "HTTP requests served.")
	inFlight = fennel.NewGauge("http_requests_in_flight", "HTTP requests being served.")
	latency  = fennel.NewHistogram("http_request_duration_seconds", "Time to serve a request.")
)

func hello(w http.ResponseWriter, r *http.Request) {
	defer inFlight.Track()()
	defer latency.Timer().Stop()
	if r.Method != http.MethodGet {
		http.Error(w, "just GET me", http.StatusMethodNotAllowed)
		requests.With(request{"other", http.StatusMethodNotAllowed}).Inc()
		return
	}
	w.Write([]byte("hello\n"))
	requests.With(request{"GET", http.StatusOK}).Inc()
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	http.HandleFunc("/", hello)
	http.Handle("/metrics", fennelhttp.Handler(fennel.Default))
	server := &http.Server{Addr: *listen}
	go func() {
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(err)
		}
	}()
	log.Printf("metrics are at http://%s/metrics", *listen)

	<-ctx.Done()
	server.Shutdown(context.Background())
}

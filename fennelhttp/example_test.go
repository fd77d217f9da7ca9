package fennelhttp_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

func ExampleHandler() {
	reg := fennel.NewRegistry()
	jobs := fennel.NewCounter("jobs_total", "Jobs done.", fennel.In(reg))
	jobs.Inc()

	mux := http.NewServeMux()
	// Without the option, what the handler measures of itself would be there, too.
	mux.Handle("/metrics", fennelhttp.Handler(reg, fennelhttp.WithoutSelfMetrics()))

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	fmt.Println(answer.Header().Get("Content-Type"))
	fmt.Print(answer.Body)
	// Output:
	// text/plain; version=0.0.4; charset=utf-8
	// # HELP jobs_total Jobs done.
	// # TYPE jobs_total counter
	// jobs_total 1
}

// A query with name[] leaves only some families.
func ExampleHandler_filter() {
	reg := fennel.NewRegistry()
	fennel.NewGauge("queue_length", "Jobs waiting.", fennel.In(reg)).Set(3)
	fennel.NewGauge("workers", "Workers.", fennel.In(reg)).Set(8)

	answer := httptest.NewRecorder()
	fennelhttp.Handler(reg).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics?name[]=workers", nil))
	fmt.Print(answer.Body)
	// Output:
	// # HELP workers Workers.
	// # TYPE workers gauge
	// workers 8
}

// A query with debug=text shows any format to people.
func ExampleHandler_debug() {
	reg := fennel.NewRegistry()
	fennel.NewGauge("queue.length", "Jobs waiting.", fennel.In(reg)).Set(3)

	answer := httptest.NewRecorder()
	const target = "/metrics?debug=text&format=PrometheusProto&name[]=queue.length"
	fennelhttp.Handler(reg).ServeHTTP(answer, httptest.NewRequest("GET", target, nil))
	fmt.Print(answer.Body)
	// Output:
	// name: "queue.length"
	// help: "Jobs waiting."
	// type: GAUGE
	// metric {
	//   gauge {
	//     value: 3
	//   }
	// }
}

func ExampleStart() {
	reg := fennel.NewRegistry()
	fennel.NewGauge("queue_length", "Jobs waiting.", fennel.In(reg)).Set(3)

	srv, err := fennelhttp.Start("127.0.0.1:0", reg, fennelhttp.WithoutSelfMetrics())
	if err != nil {
		log.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		srv.Shutdown(ctx)
	}()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(srv.URL() + "/metrics")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	fmt.Print(string(body))
	// Output:
	// # HELP queue_length Jobs waiting.
	// # TYPE queue_length gauge
	// queue_length 3
}

// Routes of one's own live beside the metrics.
func ExampleWithHandler() {
	healthy := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	srv, err := fennelhttp.Start("127.0.0.1:0", fennel.Default, fennelhttp.WithHandler("GET /healthz", healthy))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(srv.URL() + "/healthz")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	fmt.Print(string(body))
	// Output: ok
}

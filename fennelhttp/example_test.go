package fennelhttp_test

import (
	"context"
	"crypto/tls"
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

// Who embeds a handler has one with methods of one's own.
func ExampleHandler_embedded() {
	type endpoint struct {
		http.Handler
		team string
	}
	reg := fennel.NewRegistry()
	fennel.NewGauge("queue_length", "Jobs waiting.", fennel.In(reg)).Set(3)
	e := endpoint{fennelhttp.Handler(reg, fennelhttp.WithoutSelfMetrics()), "billing"}

	answer := httptest.NewRecorder()
	e.ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	fmt.Printf("of team %s:\n%s", e.team, answer.Body)
	// Output:
	// of team billing:
	// # HELP queue_length Jobs waiting.
	// # TYPE queue_length gauge
	// queue_length 3
}

// An option that comes from a configuration may be wrong.
func ExampleNewHandler() {
	users := map[string]string{"prometheus": "the password itself"}
	_, err := fennelhttp.NewHandler(fennel.Default, fennelhttp.WithBasicAuth(users))
	fmt.Println(err)
	// Output:
	// fennelhttp: WithBasicAuth: user "prometheus": the hash is not one of bcrypt, such as "htpasswd -nB" makes
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

// Client certificates need a certificate of the server: plain HTTP would not ask
// for them.
func ExampleStart_impossible() {
	_, err := fennelhttp.Start(":9100", fennel.Default,
		fennelhttp.WithClientAuth(tls.RequireAndVerifyClientCert),
		fennelhttp.WithClientCAFiles("scrapers-ca.crt"),
	)
	fmt.Println(err)
	// Output:
	// fennelhttp: options of TLS without a certificate: plain HTTP is not served in their place; use WithTLSFiles or WithTLSConfig
}

// Prometheus scrapes it with
//
//	scheme: https
//	tls_config: {ca_file: ca.crt, cert_file: scraper.crt, key_file: scraper.key}
func ExampleWithClientAuth() {
	srv, err := fennelhttp.Start(":9100", fennel.Default,
		fennelhttp.WithTLSFiles("tls.crt", "tls.key"),
		fennelhttp.WithTLSVersions(tls.VersionTLS13, 0),
		fennelhttp.WithClientAuth(tls.RequireAndVerifyClientCert),
		fennelhttp.WithClientCAFiles("scrapers-ca.crt", "more-authorities.d"),
	)
	if err != nil {
		log.Fatal(err)
	}
	<-srv.Done() // it ended by itself
	log.Fatal(srv.Err())
}

func ExampleWithBearerToken() {
	h := fennelhttp.Handler(fennel.Default, fennelhttp.WithBearerToken("s3cret"))

	for _, credentials := range []string{"", "Bearer secret", "Bearer s3cret"} {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.Header.Set("Authorization", credentials)
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		fmt.Println(answer.Code, answer.Header().Get("WWW-Authenticate"))
	}
	// Output:
	// 401 Bearer realm="metrics"
	// 401 Bearer realm="metrics"
	// 200
}

// The hash is made by "htpasswd -nB prometheus".
func ExampleWithBasicAuth() {
	h := fennelhttp.Handler(fennel.Default, fennelhttp.WithBasicAuth(map[string]string{
		"prometheus": "$2a$10$hcjgYBXVlKChrbI9HJ0c0OV6LlBdzZgPdo8n1LvfgK74oswN8hBa.",
	}))

	for _, password := range []string{"secret", "s3cret"} {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.SetBasicAuth("prometheus", password)
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		fmt.Println(answer.Code, answer.Header().Get("WWW-Authenticate"))
	}
	// Output:
	// 401 Basic realm="metrics", charset="UTF-8"
	// 200
}

// Health needs no credentials.
func ExampleWithHealth() {
	srv, err := fennelhttp.Start("127.0.0.1:0", fennel.Default,
		fennelhttp.WithBearerToken("s3cret"),
		fennelhttp.WithHealth("/healthz", func(context.Context) error { return nil }),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, path := range []string{"/healthz", "/metrics"} {
		answer, err := client.Get(srv.URL() + path)
		if err != nil {
			log.Fatal(err)
		}
		answer.Body.Close()
		fmt.Println(path, answer.StatusCode)
	}
	// Output:
	// /healthz 200
	// /metrics 401
}

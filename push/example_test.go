package push_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/push"
)

// standIn stands in for a Pushgateway.
func standIn(answer http.HandlerFunc) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path)
		if answer != nil {
			answer(w, r)
		}
	}))
}

// A batch job pushes when it is done.
func Example() {
	gateway := standIn(nil)
	defer gateway.Close()

	reg := fennel.NewRegistry()
	completed := fennel.NewGauge("backup_completed_timestamp_seconds", "When the last backup was complete.", fennel.In(reg))

	job, err := push.New(gateway.URL, "backup", push.Grouping("instance", "db1"))
	if err != nil {
		log.Fatal(err)
	}
	// … the backup …
	completed.Set(float64(time.Now().Unix()))
	if err := job.Push(context.Background(), reg); err != nil {
		log.Fatal(err)
	}
	// Output: PUT /metrics/job/backup/instance/db1
}

// A wrong option is found before anything is sent.
func ExampleNew() {
	_, err := push.New("ftp://pushgateway:9091", "backup")
	fmt.Println(err)
	_, err = push.New("pushgateway:9091", "backup", push.Grouping("job", "restore"))
	fmt.Println(err)

	job, err := push.New("https://user:secret@pushgateway/prefix", "backup", push.Grouping("path", "/var/lib"))
	fmt.Println(job, err)
	// Output:
	// push: gateway URL "ftp://pushgateway:9091": its scheme must be http or https
	// push: grouping label "job" is the job, which is an argument of New
	// https://pushgateway/prefix/metrics/job/backup/path@base64/L3Zhci9saWI= <nil>
}

// Add replaces only what it brings: here the time of the last success stays when
// a run fails.
func ExampleGroup_Add() {
	gateway := standIn(nil)
	defer gateway.Close()

	reg := fennel.NewRegistry()
	finished := fennel.NewGauge("job_finished_timestamp_seconds", "When the last run ended.", fennel.In(reg))
	succeeded := fennel.NewGauge("job_succeeded_timestamp_seconds", "When the last good run ended.", fennel.In(reg))

	job, err := push.New(gateway.URL, "backup")
	if err != nil {
		log.Fatal(err)
	}
	finished.Set(1_700_000_000)
	metrics := fennel.Gatherer(reg)
	if failed := true; failed {
		metrics = fennel.Only(reg, "job_finished_timestamp_seconds")
	} else {
		succeeded.Set(1_700_000_000)
	}
	if err := job.Add(context.Background(), metrics); err != nil {
		log.Fatal(err)
	}
	// Output: POST /metrics/job/backup
}

// What runs for long pushes again and again, and once more at the end.
func ExampleGroup_Run() {
	gateway := standIn(nil)
	defer gateway.Close()

	reg := fennel.NewRegistry()
	fennel.NewGauge("temperature_celsius", "Temperature.", fennel.In(reg)).Set(21.5)

	job, err := push.New(gateway.URL, "sensor")
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Millisecond) // or signal.NotifyContext
	defer stop()
	err = job.Run(ctx, reg, push.Every(time.Minute), push.Grace(5*time.Second))
	fmt.Println(err)
	// Output:
	// PUT /metrics/job/sensor
	// PUT /metrics/job/sensor
	// <nil>
}

// An error has the gateway's own words.
func ExampleError() {
	gateway := standIn(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "pushed metrics are invalid or inconsistent", http.StatusBadRequest)
	})
	defer gateway.Close()

	job, err := push.New(gateway.URL, "backup")
	if err != nil {
		log.Fatal(err)
	}
	err = job.Push(context.Background(), fennel.NewRegistry())
	var refused *push.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.StatusCode, refused.Body)
	}
	// Output:
	// PUT /metrics/job/backup
	// 400 pushed metrics are invalid or inconsistent
}

// The text format, with names that every gateway takes.
func ExampleFormat() {
	gateway := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Header.Get("Content-Type"))
	}))
	defer gateway.Close()

	job, err := push.New(gateway.URL, "backup", push.Format(exposition.Format{Syntax: exposition.Text004}))
	if err != nil {
		log.Fatal(err)
	}
	if err := job.Push(context.Background(), fennel.NewRegistry()); err != nil {
		log.Fatal(err)
	}
	// Output: text/plain; version=0.0.4; charset=utf-8
}

// The group of a host is that of its address.
func ExampleInstanceIP() {
	const gateway = "127.0.0.1:9091"
	ip, err := push.InstanceIP(context.Background(), gateway)
	if err != nil {
		log.Fatal(err)
	}
	job, err := push.New(gateway, "backup", push.Grouping("instance", ip.String()))
	fmt.Println(job, err)
	// Output: http://127.0.0.1:9091/metrics/job/backup/instance/127.0.0.1 <nil>
}

// A gateway never forgets a group by itself.
func ExampleGroup_Delete() {
	gateway := standIn(nil)
	defer gateway.Close()

	job, err := push.New(gateway.URL, "backup", push.Grouping("instance", "db1"))
	if err != nil {
		log.Fatal(err)
	}
	if err := job.Delete(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output: DELETE /metrics/job/backup/instance/db1
}

// Without the option, a redirect is an error that says where it leads.
func ExampleTrustRedirects() {
	gateway := standIn(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics/job/backup" {
			http.Redirect(w, r, "/prefix"+r.URL.Path, http.StatusFound)
		}
	})
	defer gateway.Close()

	job, err := push.New(gateway.URL, "backup", push.TrustRedirects())
	if err != nil {
		log.Fatal(err)
	}
	if err := job.Push(context.Background(), fennel.NewRegistry()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// PUT /metrics/job/backup
	// PUT /prefix/metrics/job/backup
}

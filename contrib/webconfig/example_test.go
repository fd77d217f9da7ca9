package webconfig_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/contrib/webconfig"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

// A server with a password, which is "secret".
func Example() {
	dir, err := os.MkdirTemp("", "webconfig")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "web.yml")
	const text = "basic_auth_users:\n  prometheus: $2a$04$baH77dbm9kr8RM4MEXyC3uy9AZxD.TuXZqrCc8035d1TWmaH3V3Si\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}

	reg := fennel.NewRegistry()
	fennel.NewGauge("queue_length", "Jobs waiting.", fennel.In(reg)).Set(3)

	set := flag.NewFlagSet("exporter", flag.ExitOnError)
	flags := webconfig.AddFlags(set, ":9100")
	set.Parse([]string{"--web.listen-address=127.0.0.1:0", "--web.config.file=" + file})

	listening := make(chan []net.Addr)
	srv := webconfig.Server{
		Gatherer: reg,
		Options:  []fennelhttp.HandlerOption{fennelhttp.WithoutSelfMetrics()},
		OnListen: func(addrs []net.Addr) { listening <- addrs },
	}
	ctx, stop := context.WithCancel(context.Background()) // a program has signal.NotifyContext
	ended := make(chan error)
	go func() { ended <- srv.Serve(ctx, flags) }()
	addrs := <-listening

	for _, password := range []string{"guess", "secret"} {
		fmt.Print(get("http://"+addrs[0].String()+"/metrics", password))
	}
	stop()
	if err := <-ended; err != nil {
		log.Fatal(err)
	}
	// Output:
	// Unauthorized
	// # HELP queue_length Jobs waiting.
	// # TYPE queue_length gauge
	// queue_length 3
}

func get(url, password string) string {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		log.Fatal(err)
	}
	r.SetBasicAuth("prometheus", password)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	return string(body)
}

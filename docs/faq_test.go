package docs_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/fennelhttp"
	"github.com/fennelmetrics/fennel/push"
	"github.com/fennelmetrics/fennel/textfile"
)

// These functions are the code of faq.md.

var _ = func(ctx context.Context) error {
	http.Handle("/metrics", fennelhttp.Handler(fennel.Default))
	srv, err := fennelhttp.Start(":9100", fennel.Default)
	if err != nil {
		return err // the port is taken, say
	}
	defer srv.Shutdown(ctx)
	srv.Addr()
	return nil
}

var _ = func(requests *fennel.Counter, id string) {
	latency := fennel.NewHistogram("http_request_duration_seconds", "Time to serve a request.", fennel.Native{})
	_ = fennel.Native{Only: true}
	requests.IncWithExemplar(fennel.Label{Name: "trace_id", Value: id})
	latency.ObserveWithExemplar(0.3, fennel.Label{Name: "trace_id", Value: id})
}

var _ = func(ctx context.Context, reg *fennel.Registry) error {
	err := textfile.Write(ctx, "/var/lib/node_exporter/backup.prom", reg)
	return err
}

var _ = func(ctx context.Context, reg *fennel.Registry) error {
	job, err := push.New("https://pushgateway:9091", "backup", push.Grouping("instance", "db1"))
	if err != nil {
		return err // a wrong option; nothing was sent
	}
	return job.Push(ctx, reg)
}

var _ = func() push.Option {
	format := push.Format(exposition.Format{Syntax: exposition.Text004, Escaping: exposition.EscapeUnderscores})
	return format
}

var _ = func(users map[string]string, logger *slog.Logger) error {
	srv, err := fennelhttp.Start(":9100", fennel.Default,
		fennelhttp.WithTLSFiles("server.pem", "server.key"),
		fennelhttp.WithBearerTokenFile("token"))
	_ = []fennelhttp.ServerOption{
		fennelhttp.WithBasicAuth(users),
		fennelhttp.WithClientAuth(tls.RequireAndVerifyClientCert),
		fennelhttp.WithLogger(logger),
	}
	<-srv.Done()
	return err
}

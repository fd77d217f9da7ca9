package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fennelmetrics/fennel/cmd/fennel/internal/textdir"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

const serveExamples = `  fennel serve --dir=/var/lib/node_exporter
  fennel serve --dir=. --web.listen-address=127.0.0.1:9100
  fennel serve --dir=. --web.tls-cert-file=tls.crt --web.tls-key-file=tls.key --web.bearer-token-file=token
  fennel serve --dir=. --web.tls-cert-file=tls.crt --web.tls-key-file=tls.key --web.tls-client-ca-file=scrapers.crt

The files are read at each scrape. One that is wrong is left out, and so is what does not fit to the files before, in the
order of their names: a metric of another type, a series that is there already. All else is served. Besides there are:
  fennel_serve_file_mtime_seconds{file}      when the file was written, by which one finds a job that has stopped
  fennel_serve_file_error{file}              1 if the file, or a part of it, was left out; 0 otherwise
`

// serveCommand is "fennel serve".
type serveCommand struct {
	*kingpin.CmdClause

	dir       string
	address   string
	certFile  string
	keyFile   string
	clientCAs []string
	tokenFile string
	asked     struct{ tls, token bool } // by flags, though their values may be empty
}

func newServeCommand(app *kingpin.Application) *serveCommand {
	c := &serveCommand{CmdClause: app.Command("serve",
		"Serve the metrics in all files of a directory whose names end in .prom, as one, on /metrics.").
		HelpLong(serveExamples)}
	c.Flag("dir", "Directory to read.").Required().PlaceHolder("DIR").StringVar(&c.dir)
	c.Flag("web.listen-address", "Address to listen on.").Default(":3366").StringVar(&c.address)
	c.Flag("web.tls-cert-file", "Certificate for HTTPS; may be renewed while it runs.").PlaceHolder("FILE").
		IsSetByUser(&c.asked.tls).StringVar(&c.certFile)
	c.Flag("web.tls-key-file", "Key of the certificate.").PlaceHolder("FILE").IsSetByUser(&c.asked.tls).StringVar(&c.keyFile)
	c.Flag("web.tls-client-ca-file", "File or directory with authorities: clients need a certificate of one of them. May be repeated.").
		PlaceHolder("PATH").StringsVar(&c.clientCAs)
	c.Flag("web.bearer-token-file", "File with the token that clients have to send.").PlaceHolder("FILE").
		IsSetByUser(&c.asked.token).StringVar(&c.tokenFile)
	return c
}

// run serves the directory until ctx is done.
func (c *serveCommand) run(ctx context.Context, out, log io.Writer) error {
	// A directory that comes later is fine, but a typing error is more likely.
	if info, err := os.Stat(c.dir); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s is no directory", c.dir)
	}
	server, err := fennelhttp.Start(c.address, textdir.Dir(c.dir), c.options(log)...)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "metrics: %s/metrics\n(Ctrl-C ends it.)\n", server.URL())
	select {
	case <-ctx.Done():
	case <-server.Done(): // it has failed
	}
	return errors.Join(server.Err(), shutdown(server))
}

// options are those of the server that follow from the flags. Whether they fit
// together is for the server to say: it never serves plain HTTP for half of them. Nor
// does it for flags that are empty, as a script's variable may be: they were given.
func (c *serveCommand) options(log io.Writer) []fennelhttp.ServerOption {
	options := []fennelhttp.ServerOption{
		fennelhttp.WithLogger(slog.New(slog.NewTextHandler(log, nil))),
	}
	if c.asked.tls {
		options = append(options, fennelhttp.WithTLSFiles(c.certFile, c.keyFile))
	}
	if len(c.clientCAs) > 0 {
		options = append(options,
			fennelhttp.WithClientAuth(tls.RequireAndVerifyClientCert),
			fennelhttp.WithClientCAFiles(c.clientCAs...))
	}
	if c.asked.token {
		options = append(options, fennelhttp.WithBearerTokenFile(c.tokenFile))
	}
	return options
}

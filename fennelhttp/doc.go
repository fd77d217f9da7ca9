// Package fennelhttp serves metrics over HTTP.
//
// [Handler] serves them beside the routes that a program has already:
//
//	http.Handle("/metrics", fennelhttp.Handler(fennel.Default))
//
// [Start] runs a server of their own, for programs that have none, or that
// don't want their metrics on the port that the world sees:
//
//	srv, err := fennelhttp.Start(":9100", fennel.Default)
//	if err != nil {
//		return err // the port is taken, say
//	}
//	defer srv.Shutdown(ctx)
//
// The handler is an [http.Handler] like others: a struct that embeds it is one,
// too, and middleware goes around it.
//
// # What a scrape gets
//
// The format that its Accept header asks for, see [exposition.Negotiate]: text,
// OpenMetrics or protobuf, and OpenMetrics 2.0 under the option
// [WithOpenMetrics200]. It is compressed by gzip, or by a coding of the option
// [WithCoding], if its Accept-Encoding header takes one. Parameters called name[]
// in the query leave only the families with these names, or with samples of
// these names; no work is done for the others:
//
//	curl --globoff 'http://localhost:9100/metrics?name[]=up&name[]=http_requests_total'
//
// A body is streamed in pieces of about 64 KiB, whatever the size of the
// registry. One that fits in a piece has a Content-Length.
//
// No scrape gets anything older than its own arrival: each reads the metrics
// anew, whatever others are under way.
//
// # Looking at it
//
// For people, debug=text in the query shows any format in a browser: protobuf is
// written as text, names are not escaped unless the Accept header says how, and
// the answer is plain text of no version. The parameter format chooses by the
// names that Prometheus has for its scrape_protocols:
//
//	http://localhost:9100/metrics?debug=text&format=PrometheusProto
//
// There are PrometheusText0.0.4, PrometheusText1.0.0, OpenMetricsText1.0.0,
// PrometheusProto and, even without its option, OpenMetricsText2.0.0. Another
// name gets the status 400. Both may be used with name[]. Don't let a scraper
// ask for it.
//
// # Where a server listens
//
// On a TCP address, on a Unix socket, "unix:/run/metrics.sock", on a socket that
// systemd passed on, "systemd:metrics", or on a listener of one's own,
// [WithListener]. [WithPath] says where the metrics are, [WithHealth] adds a
// health check, and [WithHandler] whatever else there is. At / there is a page
// that links to the metrics.
//
// [Server.Shutdown] frees the port and lets scrapes finish; [Server.Done] and
// [Server.Err] tell when the server ended, and why if it did so by itself.
//
// # HTTPS
//
// [WithTLSFiles] serves HTTPS, and HTTP/2, with a certificate from files. With
// [WithClientAuth] clients need certificates as well:
//
//	srv, err := fennelhttp.Start(":9100", fennel.Default,
//		fennelhttp.WithTLSFiles("tls.crt", "tls.key"),
//		fennelhttp.WithClientAuth(tls.RequireAndVerifyClientCert),
//		fennelhttp.WithClientCAFiles("scrapers-ca.crt"),
//	)
//
// Certificates may be renewed, and authorities come and go, in their files: what
// has changed counts for the next connection, and those that are open stay open.
// A file that can't be used, half written perhaps, changes nothing; it is logged,
// and fennel_watched_files_usable is 0.
//
// An option of TLS never leads to plain HTTP: without a usable certificate, and
// in any combination that can't be meant, Start returns an error before it
// listens. [WithTLSConfig] is for certificates from elsewhere.
//
// # Who may scrape
//
// [WithBasicAuth] and [WithBearerToken] are for handlers and servers alike. Of a
// server they guard all but the health check. In Prometheus' configuration they
// are basic_auth and authorization:
//
//	scrape_configs:
//	  - job_name: guarded
//	    scheme: https
//	    tls_config: {ca_file: ca.crt}
//	    authorization: {credentials_file: token}
//	    static_configs: [{targets: ["app:9100"]}]
//
// Both work without TLS, too, where a proxy has it, or where the network can be
// trusted: everybody on the way can read what is sent.
//
// # Limits
//
// Prometheus says in the header X-Prometheus-Scrape-Timeout-Seconds how long it
// will wait. Less a twentieth, but at least 10 ms and at most 500 ms, that is the
// deadline of the scrape. The context that collectors get is done a tenth before
// it, and those that are late a twentieth before it are left behind, see
// [fennel.Collector], and the rest is served. So with Prometheus' default of 10 s
// a collector has 8.55 s, and half a second to return with what it has. A value
// that is no positive number, or is more than a day, is passed over.
//
// 32 scrapes are served at a time by each handler, or as many as
// [WithMaxInFlight] says. One more gets the status 503, Service Unavailable, and
// "Retry-After: 1".
//
// A client that goes away ends the work that is done for it. One that reads too
// slowly is cut off: half a minute for each piece is enough for anybody.
//
// A server gives its clients 5 seconds for the handshake of TLS, 5 for the header
// of a request and 10 for all of it, and keeps a connection for 3 minutes without
// a request. Meanwhile it serves others, however many there are.
//
// # Metrics of the handler
//
// A handler serves, beside what it is given, what it measures of itself:
//
//   - fennel_scrapes_total, a counter, by format and code: the status, or
//     "aborted" for bodies that were cut off and for clients that didn't wait;
//   - fennel_scrape_duration_seconds, a summary, by format: until the last byte
//     was sent. Scrapes that were turned away are not in it;
//   - fennel_scrape_size_bytes, a summary, by format: of the bodies as they were
//     sent, compressed, and cut off if they were;
//   - fennel_scrapes_in_flight, a gauge: how many are being served;
//   - fennel_watched_files_usable, a gauge, by files, certificate, client_cas or
//     bearer_token, where there are such: 1 if they can be used as they were when
//     somebody last needed them, and 0 if what they held before is kept.
//
// A scrape shows the numbers of those before it; only in flight, it counts itself.
// HEAD, OPTIONS, a favicon.ico and what is answered with 400, 401 or 405 are no
// scrapes. Each handler has numbers of its own, even where several serve one
// registry, and they are in no registry of the program's. Registries add
// fennel_series, how many series each of their families has.
//
// The option [WithoutSelfMetrics] leaves all of that out. What registries count
// only when something has gone wrong, such as fennel_collector_errors_total, is
// there in any case. A gatherer that has a family of one of these names itself is
// served with its own.
//
// # What goes wrong
//
// A collector that fails costs only its own part: the scrape has status 200
// and all the rest. What costs the whole scrape, an error of the gatherer
// itself, is a status 500 as long as nothing was sent, and 503 if it was time
// that ran out. After that the connection is cut: no scraper takes half a body
// for a whole one, since the last chunk, the end of the coding and the "# EOF" of
// OpenMetrics are all missing. (A client of HTTP/1.0 that asks for text without
// gzip has no means of telling; Prometheus is none.)
//
// Nothing is logged without the option [WithLogger].
package fennelhttp

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
// # What a scrape gets
//
// The format that its Accept header asks for, see [exposition.Negotiate], and
// gzip if its Accept-Encoding header takes that. Parameters called name[] in
// the query leave only the families with these names, or with samples of these
// names; no work is done for the others:
//
//	curl --globoff 'http://localhost:9100/metrics?name[]=up&name[]=http_requests_total'
//
// A body is streamed in pieces of about 64 KiB, whatever the size of the
// registry. One that fits in a piece has a Content-Length.
//
// # What goes wrong
//
// A collector that fails costs only its own part: the scrape has status 200
// and all the rest. What costs the whole scrape, an error of the gatherer
// itself, is a status 500 as long as nothing was sent. After that the
// connection is cut: no scraper takes half a body for a whole one, since the
// last chunk, the end of the gzip stream and the "# EOF" of OpenMetrics are all
// missing. (A client of HTTP/1.0 that asks for text without gzip has no means
// of telling; Prometheus is none.)
//
// A client that goes away ends the work that is done for it.
//
// Nothing is logged without the option [WithLogger].
package fennelhttp

package fennelhttp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	klauspost "github.com/klauspost/compress/gzip"

	"github.com/fennelmetrics/fennel/exposition"
)

// Options of handlers and servers. What a function's option interface does not
// name does not compile there.
type (
	// HandlerOption is an option of [Handler].
	HandlerOption interface{ forHandler(*config) }
	// ServerOption is an option of [Start].
	ServerOption interface{ forServer(*config) }
	// Option is an option of both.
	Option interface {
		HandlerOption
		ServerOption
	}
)

// option implements all of the interfaces; the functions below return it as
// the one that says where it fits.
type option func(*config)

func (f option) forHandler(c *config) { f(c) }
func (f option) forServer(c *config)  { f(c) }

// config is what options are collected in.
type config struct {
	log         logFunc
	errorLog    *log.Logger // of servers
	codings     []*coding   // beside gzip
	gzip        func(*config) *coding
	cache       int64 // bytes that gzip may keep; 0 for none
	extra       []exposition.Syntax
	created     bool
	selfless    bool // without self-metrics
	maxInFlight int  // 0 or less for no limit
	schemes     []func(*config) (scheme, error)
	limits      limits

	// Of servers:
	path       string // of the metrics
	routes     []route
	health     *health // nil for none
	tls        tlsOptions
	tlsConfig  func(*config) (*tls.Config, error) // nil for plain HTTP
	serve      func(*http.Server, net.Listener) error
	listener   net.Listener // nil for one on the address
	socketMode *fs.FileMode

	watched []watcher // that the options made
	err     error     // what is wrong with them
}

// fail notes what is wrong with an option. What came first counts.
func (c *config) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// offered returns the codings by preference.
func (c *config) offered() []*coding {
	if c.gzip == nil {
		return c.codings
	}
	return append(c.codings, c.gzip(c))
}

// route is a handler that an option adds.
type route struct {
	pattern string
	handler http.Handler
}

// limits are how long a client may take, so that none, slow or malicious, holds
// a goroutine and its memory for ever. They are not options: they bound what is
// plausible, and not what is fast.
type limits struct {
	header      time.Duration // to send the request's header
	request     time.Duration // to send all of the request
	piece       time.Duration // to take one piece of the body
	idle        time.Duration // between two requests on one connection
	fresh       time.Duration // to begin with a request, while the server shuts down
	look        time.Duration // between two looks at the same files
	headerBytes int
}

var defaultLimits = limits{
	header:  5 * time.Second, // and for the handshake of TLS as well
	request: 10 * time.Second,
	piece:   30 * time.Second, // 64 KiB: a modem of 1990 could do it
	// Longer than most scrape intervals, so that scrapers keep their
	// connections.
	idle: 3 * time.Minute,
	// A request that is on its way as the server shuts down arrives by then.
	fresh: 500 * time.Millisecond,
	look:  time.Second,
	// The longest part of a scraper's header is a query with many name[].
	headerBytes: 64 << 10,
}

// defaultMaxInFlight is many times what the servers and the people of any
// program need, and few enough for the memory: a scrape takes about a megabyte
// with gzip, of whatever size it is.
const defaultMaxInFlight = 32

// defaultCache has room for some five million series, compressed.
const defaultCache = 32 << 20

func defaultConfig() config {
	return config{
		log:         func(context.Context, slog.Level, string, ...any) {},
		errorLog:    log.New(io.Discard, "", 0),
		gzip:        ownGzip,
		cache:       defaultCache,
		maxInFlight: defaultMaxInFlight,
		limits:      defaultLimits,
		path:        "/metrics",
		serve:       (*http.Server).Serve,
	}
}

// WithLogger logs what goes wrong: as errors what costs a scrape, as warnings
// what costs a part of one, and for debugging clients that went away. Without
// it, or with nil, nothing is logged.
func WithLogger(l *slog.Logger) Option {
	return option(func(c *config) {
		if l == nil {
			l = slog.New(slog.DiscardHandler)
		}
		c.log, c.errorLog = l.Log, slog.NewLogLogger(l.Handler(), slog.LevelWarn)
	})
}

// logFunc is the Log method of the logger that [WithLogger] was given. Hanging on
// that option alone, package slog's handlers, and with them encoding/json, are linked
// only into programs that log: they are a fifth of a megabyte.
type logFunc func(ctx context.Context, level slog.Level, message string, args ...any)

// WithoutCompression serves bodies as they are, whatever the client accepts.
// It is for fast networks, and for those whose proxy compresses. Codings of
// options behind it are offered all the same: alone, without gzip.
func WithoutCompression() Option {
	return option(func(c *config) { c.codings, c.gzip = nil, nil })
}

// WithCompressionCache sets how many bytes of memory a handler may use, 32 MiB by
// default, to keep what gzip made of parts of a body that stay the same from one
// scrape to the next. With 0 it keeps nothing. What is used is about the
// compressed size of the bodies that are asked for, and next to nothing where
// all values change.
//
// Bodies are compressed in segments of about 64 KiB. One whose text was seen in
// two scrapes, at most five minutes apart, is kept until nobody has needed it for
// twice that time and half a minute, or up to a minute more if no scrape comes.
// What finds no room is not kept, and throws nothing out. What a query selects, by
// name[] or debug, has a quarter of the memory to itself, and so leaves the scrapes
// of all there is theirs, whatever clients ask for.
//
// It has no effect on other codings, nor with [WithCompressionLevel]. It panics
// if bytes is negative.
func WithCompressionCache(bytes int64) Option {
	if bytes < 0 {
		panic(fmt.Sprintf("fennelhttp: WithCompressionCache(%d): no memory is less than none; use 0 to keep nothing", bytes))
	}
	return option(func(c *config) { c.cache = bytes })
}

// WithCompressionLevel has gzip done by github.com/klauspost/compress, at a level
// from 1, the fastest, to 9, the smallest. Without it, bodies are compressed by an
// encoder that knows what metrics look like: about as small as at level 1, in less
// time, and what doesn't change is kept, see [WithCompressionCache]. Higher levels
// take twice the time of the first and more, for a few percent of the size.
// It panics if the level is none of these.
func WithCompressionLevel(level int) Option {
	if level < klauspost.BestSpeed || level > klauspost.BestCompression {
		panic(fmt.Sprintf("fennelhttp: WithCompressionLevel(%d): levels go from 1 to 9; use WithoutCompression for none", level))
	}
	shared := newCoding(Coding{"gzip", func() Encoder {
		z, _ := klauspost.NewWriterLevel(nil, level) // the level is a valid one
		return z
	}})
	return option(func(c *config) { c.gzip = func(*config) *coding { return shared } })
}

// WithMaxInFlight sets how many scrapes are served at a time, 32 by default. A
// scrape beyond that gets the status 503, Service Unavailable, and is asked to
// come again after a second. With 0 or less there is no limit. Each handler
// counts for itself, and what costs nothing, such as HEAD, doesn't count. A client
// that takes its time to read holds its place until it is cut off: where others
// than your scrapers can reach the handler, let it ask for credentials.
func WithMaxInFlight(n int) Option {
	return option(func(c *config) { c.maxInFlight = n })
}

// WithoutSelfMetrics leaves out what the handler measures of itself, and what
// the registry says about itself at every scrape; see the package comment. What
// the registry counts only when something goes wrong stays.
func WithoutSelfMetrics() Option {
	return option(func(c *config) { c.selfless = true })
}

// WithOpenMetrics200 serves OpenMetrics 2.0, as of its release candidate 0, to
// those who ask for that version by number. It may change before it is final.
func WithOpenMetrics200() Option {
	return option(func(c *config) { c.extra = []exposition.Syntax{exposition.OpenMetrics200} })
}

// WithCreatedLines adds to OpenMetrics 1.0 a line with the time since which each
// counter, histogram and summary counts; see [exposition.Format]. It is for
// servers that are told what to do with it, as Prometheus is by its feature flag
// created-timestamp-zero-ingestion. For others each is one more series. Of names
// that were escaped as dots or values, Prometheus doesn't find these lines.
func WithCreatedLines() Option {
	return option(func(c *config) { c.created = true })
}

// WithPath serves the metrics at another path than /metrics. At "/" they take the
// place of the page that links to them, and so are at all paths that nothing else
// has. It is an error of [Start] if the path doesn't begin with a slash, is not
// the shortest that means the same, or has braces, white space or one of "?#%".
func WithPath(path string) ServerOption {
	return option(func(c *config) {
		c.path = path
		if err := checkPath(path); err != nil {
			c.fail(fmt.Errorf("WithPath(%q): %w", path, err))
		}
	})
}

// checkPath says why a path can't be a pattern that is nothing but a path.
func checkPath(p string) error {
	if !strings.HasPrefix(p, "/") || path.Clean(p) != p || strings.ContainsAny(p, "{}?#% \t\r\n") {
		return errors.New(`use a path such as "/metrics"`)
	}
	return nil
}

// WithHandler makes the server serve h, too, at this pattern of an
// [http.ServeMux]: profiles, a page. It may be given several times.
// Credentials that the metrics need are needed for h as well; a health check
// without is [WithHealth].
//
// The patterns "/metrics", or what [WithPath] says, and "/" replace what the
// server has there by itself. A pattern with a method that covers /metrics, such
// as "GET /", conflicts with it: write "/" or "GET /{$}".
//
// Start panics if the pattern is malformed or conflicts with another one, as
// the ServeMux does.
func WithHandler(pattern string, h http.Handler) ServerOption {
	return option(func(c *config) { c.routes = append(c.routes, route{pattern, h}) })
}

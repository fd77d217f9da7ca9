package push

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/textproto"
	"strings"
	"time"

	"github.com/fennelmetrics/fennel/exposition"
)

// Option is an option of [New]. Where one is given twice the later one counts,
// but for those that add something.
type Option interface{ apply(*config) error }

type option func(*config) error

func (f option) apply(c *config) error { return f(c) }

// config is what options are collected in.
type config struct {
	group  Group
	key    []label // sorted, without the job
	client Doer
	tls    tlsSource
}

func defaultConfig() config {
	return config{group: Group{
		format:  exposition.Format{Syntax: exposition.Protobuf, Escaping: exposition.AllowUTF8},
		pack:    packGzip,
		packing: "gzip",
		header:  make(http.Header),
		timeout: 30 * time.Second,
		logger:  slog.New(slog.DiscardHandler),
	}}
}

// Grouping adds a label to the group's key. It may be given several times, in any
// order. The name must not be "job", nor begin with "__" or "U__"; a name outside
// of letters, digits and underscores needs a gateway with
// --push.enable-utf8-names. The value may be any text.
func Grouping(name, value string) Option {
	return option(func(c *config) error {
		l := label{strings.Clone(name), strings.Clone(value)}
		if err := l.check(); err != nil {
			return err
		}
		c.key = sorted(append(c.key, l))
		return nil
	})
}

// Format sets the format that metrics are sent in: protobuf, which is the
// default, or text 0.0.4. Its escaping says how names outside the old charset
// are written; by default they are sent as they are. OpenMetrics is an error: a
// gateway doesn't understand it. Gateways of version 1.7 had trouble with more
// than one family in protobuf.
func Format(f exposition.Format) Option {
	return option(func(c *config) error {
		if f.Syntax != exposition.Protobuf && f.Syntax != exposition.Text004 {
			return fmt.Errorf("push: Format: a gateway doesn't take %s: use exposition.Protobuf or exposition.Text004", f.Syntax)
		}
		c.group.format = exposition.Format{Syntax: f.Syntax, Escaping: f.Escaping}
		return nil
	})
}

// Snappy compresses with snappy, as a stream, instead of gzip. It needs a gateway
// of version 1.6 or later.
func Snappy() Option {
	return option(func(c *config) error {
		c.group.pack, c.group.packing = packSnappy, "snappy"
		return nil
	})
}

// Uncompressed sends metrics as they are: for gateways before version 1.5.
func Uncompressed() Option {
	return option(func(c *config) error {
		c.group.pack, c.group.packing = packNot, ""
		return nil
	})
}

// Timeout limits each attempt, from connecting to the answer, and, apart from
// that, the time to gather metrics, where half of what the context's deadline
// leaves is the limit, too: a collector that takes longer is left out. The default
// is 30 seconds. It is an error if it is not positive.
func Timeout(d time.Duration) Option {
	return option(func(c *config) error {
		if d <= 0 {
			return fmt.Errorf("push: Timeout: %s is no time to wait: it must be positive", d)
		}
		c.group.timeout = d
		return nil
	})
}

// Retry allows n more attempts where one fails for a reason that may pass: no
// connection, no answer, status 429 or 5xx. What a gateway refuses otherwise is
// not tried again, and neither is a gateway whose certificate is not to be trusted.
// Metrics are gathered once.
//
// The wait before the first retry is about a second, and doubles up to half a
// minute. A Retry-After of the gateway is heeded up to five minutes. There is no
// wait beyond the deadline of the context.
//
// It is safe even where an attempt's answer was lost: a group's metrics are
// replaced by the same ones.
func Retry(n int) Option {
	return option(func(c *config) error {
		if n < 0 {
			return fmt.Errorf("push: Retry: %d is no number of retries", n)
		}
		c.group.retries = n
		return nil
	})
}

// TrustRedirects follows redirects, up to ten, with status 301, 302, 303, 307 and
// 308. The metrics are sent again, by the same method: other than a browser, it
// never makes a GET of it.
//
// Credentials and what [Header] added stay on the same host, whatever its port,
// and on https if they were there. They are not sent to any other place, nor
// after it. What a [Client] adds by itself is sent everywhere, and so are client
// certificates.
func TrustRedirects() Option {
	return option(func(c *config) error {
		c.group.redirects = true
		return nil
	})
}

// Header adds a header to each request: a tenant, an API key. It may be given
// several times. One named Authorization counts as credentials.
func Header(name, value string) Option {
	return option(func(c *config) error {
		if err := checkHeader(name, value); err != nil {
			return fmt.Errorf("push: Header %q: %w", name, err)
		}
		name, value := textproto.CanonicalMIMEHeaderKey(name), strings.Clone(value)
		c.group.secrets = append(c.group.secrets, value)
		if name == "Authorization" {
			return c.setAuthorization(value)
		}
		c.group.header.Add(name, value)
		return nil
	})
}

// checkHeader says what is wrong with a header, without showing its value.
func checkHeader(name, value string) error {
	switch textproto.CanonicalMIMEHeaderKey(name) {
	case "Content-Type", "Content-Encoding", "Content-Length", "Transfer-Encoding":
		return errors.New("it follows from what is sent: see Format, Snappy and Uncompressed")
	case "Host":
		return errors.New("it is the host of the gateway's URL")
	case "":
		return errors.New("it has no name")
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("()<>@,;:\\\"/[]?={}", c) >= 0 {
			return errors.New("its name has a character that no header's name has")
		}
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return errors.New("its value has a control character, such as a line feed")
		}
	}
	return nil
}

// Logger logs what goes wrong and is tried again, as warnings, and what goes wrong
// in [Group.Run], as errors. Without it, or with nil, nothing is logged.
func Logger(l *slog.Logger) Option {
	return option(func(c *config) error {
		if l == nil {
			l = slog.New(slog.DiscardHandler)
		}
		c.group.logger = l
		return nil
	})
}

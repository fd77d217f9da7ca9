package push

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Doer sends requests: an *[http.Client], or what wraps one.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Client sends requests through d. An *[http.Client] is copied, and its own
// handling of redirects doesn't count: that is for [TrustRedirects]. Any other
// Doer must not follow redirects by itself. If it makes a GET of a push, that is
// an error, as far as its answer tells.
//
// TLS is a matter of the client then: [TLSFiles] and [TLSConfig] are errors.
func Client(d Doer) Option {
	return option(func(c *config) error {
		if client, ok := d.(*http.Client); d == nil || ok && client == nil {
			return errors.New("push: Client: the client is nil")
		}
		c.client = d
		return nil
	})
}

// newClient returns what sends requests to this gateway.
func (c *config) newClient(gateway *url.URL) (Doer, error) {
	switch {
	case c.client != nil && c.tls.given():
		return nil, errors.New("push: TLS options don't reach into a Client: set TLS in its transport")
	case c.tls.given() && gateway.Scheme != "https":
		return nil, errors.New("push: there are TLS options, but the gateway's URL is not https: it must begin with https://")
	}
	client, ok := c.client.(*http.Client)
	switch {
	case c.client == nil:
		transport, err := c.newTransport()
		if err != nil {
			return nil, err
		}
		client = &http.Client{Transport: transport}
	case !ok:
		return c.client, nil
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own, nil
}

// newTransport returns the default way to send requests. Connections are not
// kept: pushes are seldom, and a connection that the gateway has closed in
// between would cost one. HTTP/2 has no use for a single request, and would hide
// what a gateway says of a client's certificate.
func (c *config) newTransport() (*http.Transport, error) {
	config, err := c.tls.load()
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		TLSClientConfig:     config,
		DisableKeepAlives:   true,
	}, nil
}

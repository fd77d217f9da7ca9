package push

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxWords     = 1 << 10         // of an answer that are kept
	maxDrain     = 64 << 10        // of an answer that are read
	drainTime    = 5 * time.Second // that the rest of an answer may take
	maxRedirects = 10
)

// delivery is one attempt to bring a message to a gateway.
type delivery struct {
	group   *Group
	message *message
	target  *url.URL
	trusted bool     // the target may have the credentials
	auth    string   // the Authorization header; "" for none
	secrets []string // that no error may show
}

// attempt sends a message, and follows redirects if it may. It returns nil if a
// gateway took it.
func (g *Group) attempt(parent context.Context, m *message) *Error {
	ctx, cancel := context.WithTimeout(parent, g.timeout)
	defer cancel()
	d := &delivery{group: g, message: m, target: g.url, trusted: true, secrets: g.secrets}
	if err := d.authorize(ctx); err != nil {
		return err
	}
	for range maxRedirects + 1 {
		a, err := d.exchange(ctx)
		if err != nil {
			return d.unanswered(parent, ctx, err)
		}
		if a.success() {
			return nil
		}
		if !g.redirects || !a.redirect() {
			return d.refused(a)
		}
		if err := d.follow(a); err != nil {
			return err
		}
	}
	return d.failed(fmt.Errorf("there were more than %d redirects", maxRedirects))
}

// authorize gets the credentials for this attempt.
func (d *delivery) authorize(ctx context.Context) *Error {
	credit := d.group.credit
	if credit.get == nil {
		return nil
	}
	auth, err := credit.get(ctx)
	if err != nil {
		return d.failed(err)
	}
	_, secret, _ := strings.Cut(auth, " ")
	d.auth = auth
	d.secrets = append(slices.Clone(d.secrets), secret, auth)
	return nil
}

// exchange sends the message to the target and returns the answer.
func (d *delivery) exchange(ctx context.Context) (*answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := d.request(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := d.group.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp == nil {
		return nil, errors.New("the client returned neither an answer nor an error")
	}
	// The status is known. The rest must not hold anybody up.
	limit := time.AfterFunc(drainTime, cancel)
	defer limit.Stop()
	a := read(resp)
	if r := resp.Request; r != nil && r.Method != "" && r.Method != req.Method {
		return nil, lostError{r.Method}
	}
	return a, nil
}

func (d *delivery) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, d.message.method, d.target.String(), bytes.NewReader(d.message.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "fennel-push")
	if d.trusted {
		for name, values := range d.group.header {
			req.Header[name] = slices.Clone(values)
		}
		if d.auth != "" {
			req.Header.Set("Authorization", d.auth)
		}
	}
	d.message.describe(req.Header)
	return req, nil
}

// follow makes the place that an answer redirects to the target.
func (d *delivery) follow(a *answer) *Error {
	next, err := d.target.Parse(a.location)
	if err != nil || a.location == "" || next.Hostname() == "" || next.Scheme != "http" && next.Scheme != "https" {
		e := d.refused(a)
		e.hint = "it redirects to no place that there is"
		return e
	}
	next.User = nil
	// Once given up they stay so: who was in between may have made up the way
	// back.
	d.trusted = d.trusted && strings.EqualFold(next.Hostname(), d.target.Hostname()) &&
		(next.Scheme == "https" || d.target.Scheme == "http")
	d.target = next
	d.secrets = append(slices.Clone(d.secrets), querySecrets(next)...)
	return nil
}

// unanswered is the error of an attempt without an answer.
func (d *delivery) unanswered(parent, ctx context.Context, err error) *Error {
	switch {
	case parent.Err() != nil: // the caller's will
		e := d.failed(parent.Err())
		if cause := context.Cause(parent); !errors.Is(cause, e.Err) {
			e.Err = discreet(fmt.Errorf("%w: %w", e.Err, cause), d.secrets)
		}
		return e
	case ctx.Err() != nil:
		err = fmt.Errorf("no answer within %s: %w", d.group.timeout, ctx.Err())
	}
	e := d.failed(err)
	// Time doesn't make a server the right one.
	e.final = errors.As(err, new(lostError)) || errors.As(err, new(*tls.CertificateVerificationError))
	return e
}

// lostError says that a client has sent something else than it was given.
type lostError struct{ method string }

func (e lostError) Error() string {
	return "the client followed a redirect and made a " + e.method + " of it, so that nothing arrived: " +
		"give the final URL, or a client that doesn't follow redirects"
}

// failed is the error of an attempt that would fail again.
func (d *delivery) failed(err error) *Error {
	e := d.newError()
	e.Err, e.final = discreet(err, d.secrets), true
	return e
}

// refused is the error of an answer.
func (d *delivery) refused(a *answer) *Error {
	e := d.newError()
	e.StatusCode = a.status
	e.Body = words(a.words, d.secrets)
	e.retryAfter = a.retryAfter
	switch {
	case a.redirect():
		e.hint = "redirects are not followed: give the final URL, or use TrustRedirects"
		if next, err := d.target.Parse(a.location); err == nil && a.location != "" {
			e.hint = "it redirects to " + hide(shownURL(next), d.secrets) + "; " + e.hint
		}
	case a.status == http.StatusBadRequest && (d.message.exotic || d.group.exotic):
		e.hint = "there are names outside of letters, digits and _: the gateway may need --push.enable-utf8-names"
	}
	return e
}

func (d *delivery) newError() *Error {
	e := &Error{Method: d.message.method, URL: d.group.shown, Attempts: 1}
	if d.target != d.group.url {
		e.URL += " redirected to " + hide(shownURL(d.target), d.secrets)
	}
	return e
}

// answer is what is kept of a gateway's answer.
type answer struct {
	status     int
	words      string
	location   string
	retryAfter time.Duration
}

// read reads and closes an answer.
func read(resp *http.Response) *answer {
	a := &answer{
		status:     resp.StatusCode,
		location:   resp.Header.Get("Location"),
		retryAfter: parseRetryAfter(resp.Header.Get("Retry-After"), time.Now()),
	}
	if resp.Body == nil {
		return a
	}
	defer resp.Body.Close()
	// What comes before an error is worth reading, too.
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxWords))
	a.words = string(text)
	// So that a client can use the connection again.
	_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
	return a
}

func (a *answer) success() bool { return a.status >= 200 && a.status < 300 }

func (a *answer) redirect() bool {
	switch a.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// parseRetryAfter returns how long the header asks to wait, from now, or 0. It
// may be a number of seconds or a date (RFC 9110, section 10.2.3).
func parseRetryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		// Not multiplied before it is known to be small.
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(0, at.Sub(now)), maxRetryAfter)
	}
	return 0
}

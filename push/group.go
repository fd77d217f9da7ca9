package push

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// Group is a group of metrics on a Pushgateway, made by [New]. It is safe for
// concurrent use, and keeps no connection open between two pushes, unless a
// [Client] does.
//
// Of two pushes at the same time either may come last: a program should have one
// place that pushes.
type Group struct {
	url    *url.URL // without user info
	shown  string   // the URL for people: without secrets
	key    []label  // sorted by name
	exotic bool     // the key has a name that needs escaping

	format  exposition.Format
	pack    func([]byte) ([]byte, error)
	packing string // Content-Encoding; "" for none

	client    Doer
	credit    credentials
	header    http.Header
	secrets   []string // that nobody must see, beside those of credit
	timeout   time.Duration
	retries   int
	redirects bool
	logger    *slog.Logger
}

// New returns the group of this job, and of the labels that options add, on a
// gateway. It checks everything and sends nothing.
//
// The gateway's URL is like "https://host:9091" or "http://host/prefix?x=y": the
// path of the group is put behind the prefix, and a query is kept. Without a
// scheme, as in "host:9091", it is http. User info, as in
// "https://user:password@host", is sent as basic auth.
//
// The error names the option that is wrong and how to mend it.
func New(gateway, job string, opts ...Option) (*Group, error) {
	c := defaultConfig()
	for _, o := range opts {
		if o == nil {
			continue
		}
		if err := o.apply(&c); err != nil {
			return nil, err
		}
	}
	base, err := parseGateway(gateway)
	if err != nil {
		return nil, err
	}
	if err := c.adopt(base); err != nil {
		return nil, err
	}
	path, err := groupPath(job, c.key)
	if err != nil {
		return nil, err
	}
	if c.group.client, err = c.newClient(base); err != nil {
		return nil, err
	}
	g := c.group
	g.url = extend(base, path)
	g.shown = shownURL(g.url)
	g.key = withJob(c.key, job)
	g.exotic = exotic(c.key)
	return &g, nil
}

// Push replaces all metrics of the group by those of m, in one step. Without
// metrics in m the group is empty afterwards, but for the gateway's own.
//
// If some collectors of m failed, what there is is pushed all the same, so that
// what they would have written is not in the group any more, and the error is
// the *[fennel.GatherError]: [fennel.Partial] tells. Any other error means that
// the gateway has refused the metrics, or may not have got them; it is an *[Error]
// if anything was sent.
func (g *Group) Push(ctx context.Context, m fennel.Gatherer) error {
	return g.upload(ctx, nil, http.MethodPut, m)
}

// Add replaces metrics of the group by those of m that have the same name, and
// leaves the others. What they replace is not added up. Errors are as for
// [Group.Push]; where a collector failed, its metrics stay in the group as they
// were.
func (g *Group) Add(ctx context.Context, m fennel.Gatherer) error {
	return g.upload(ctx, nil, http.MethodPost, m)
}

// Delete deletes the group, and no other: not those whose key has more labels.
// It is no error if there is none.
func (g *Group) Delete(ctx context.Context) error {
	return g.deliver(ctx, nil, &message{method: http.MethodDelete})
}

// String returns the group's URL, without user info and the values of a query.
func (g *Group) String() string {
	if g == nil {
		return ""
	}
	return g.shown
}

// upload pushes m by this method. Once hurry is closed, it waits for nothing.
func (g *Group) upload(ctx context.Context, hurry <-chan struct{}, method string, m fennel.Gatherer) error {
	if !g.ready() {
		return errNotMade
	}
	if m == nil {
		return errNoGatherer
	}
	message, partial := g.encode(ctx, method, m)
	if partial != nil && !fennel.Partial(partial) {
		return partial
	}
	err := g.deliver(ctx, hurry, message)
	switch {
	case err == nil:
		return partial
	case partial == nil:
		return err
	}
	return fmt.Errorf("%w; %w", err, partial)
}

var (
	errNotMade    = errors.New("push: the Group was not made by New")
	errNoGatherer = errors.New("push: there is nothing to push: the Gatherer is nil")
)

func (g *Group) ready() bool { return g != nil && g.url != nil }

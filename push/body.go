package push

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/internal/gzip"
)

// message is what is sent to a gateway, once or, by retries and redirects, more
// often.
type message struct {
	method   string
	body     []byte
	kind     string // Content-Type; "" without a body
	encoding string // Content-Encoding; "" for none
	exotic   bool   // it has names that some gateways refuse
}

// encode gathers m, once, and checks what the gateway would refuse on the way.
// The message is whole with an error that is [fennel.Partial].
func (g *Group) encode(ctx context.Context, method string, m fennel.Gatherer) (*message, error) {
	checked := &checked{Gatherer: m, group: g}
	patience, cancel := context.WithTimeout(ctx, g.gatherTime(ctx))
	defer cancel()
	body, partial := exposition.Bytes(patience, checked, g.format)
	switch {
	case partial == nil || fennel.Partial(partial):
	case patience.Err() != nil:
		return nil, fmt.Errorf("push: metrics were not gathered in time: %w", partial)
	default:
		return nil, partial
	}
	packed, err := g.pack(body)
	if err != nil {
		return nil, err
	}
	return &message{
		method:   method,
		body:     packed,
		kind:     g.format.ContentType(),
		encoding: g.packing,
		exotic:   checked.exotic,
	}, partial
}

// gatherTime returns how long gathering may take. What is late then is left out,
// and there is time left to push the rest.
func (g *Group) gatherTime(ctx context.Context) time.Duration {
	end, ok := ctx.Deadline()
	if !ok {
		return g.timeout
	}
	return min(g.timeout, time.Until(end)/2)
}

// describe sets the headers that a message has of its own.
func (m *message) describe(h http.Header) {
	if m.kind != "" {
		h.Set("Content-Type", m.kind)
	}
	if m.encoding != "" {
		h.Set("Content-Encoding", m.encoding)
	}
}

func packNot(p []byte) ([]byte, error) { return p, nil }

func packGzip(p []byte) ([]byte, error) {
	var out bytes.Buffer
	z := gzip.NewWriter(nil)
	z.Reset(&out)
	if _, err := z.Write(p); err != nil {
		return nil, err
	}
	err := z.Close()
	return out.Bytes(), err
}

// packSnappy makes a stream, which is what a gateway takes, and not a block.
func packSnappy(p []byte) ([]byte, error) {
	var out bytes.Buffer
	w := s2.NewWriter(&out, s2.WriterSnappyCompat(), s2.WriterConcurrency(1))
	if _, err := w.Write(p); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

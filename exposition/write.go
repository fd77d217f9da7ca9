package exposition

import (
	"context"
	"io"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// Write gathers all metrics of g and writes them to w in the given format, in
// pieces of about 64 KiB. Nothing is held back or locked while w writes.
//
// A protobuf message can't be begun before its end is known. So that memory stays
// bounded, a family of more than about 256 KiB is written there as several messages
// of the same name, type and help, which Prometheus reads as one. [Bytes] never
// does that.
//
// The error is what w returned or the context's; the body then is cut short,
// and without the "# EOF" of OpenMetrics. The other formats have no such mark,
// so it is up to the caller to let the reader know. With a *[fennel.GatherError],
// see [fennel.Partial], the body is complete in itself, and only what some
// collectors failed to write is missing. In a nil Gatherer there is nothing.
func Write(ctx context.Context, w io.Writer, g fennel.Gatherer, f Format) error {
	return encode(ctx, w, g, f, false)
}

// Bytes returns all metrics of g in the given format. The error is as for
// [Write]; with a *[fennel.GatherError] the bytes are complete in themselves.
// In protobuf each family is one message, as a Pushgateway needs it, which keeps
// the last one of each name.
func Bytes(ctx context.Context, g fennel.Gatherer, f Format) ([]byte, error) {
	var body collected
	err := encode(ctx, &body, g, f, true)
	if err != nil && !fennel.Partial(err) {
		return nil, err
	}
	return body, err
}

type collected []byte

func (c *collected) Write(p []byte) (int, error) {
	*c = append(*c, p...)
	return len(p), nil
}

// encoder writes a body in one format.
type encoder interface {
	sample.Visitor

	// start begins a body. One that is whole has no family in several messages.
	start(w io.Writer, f Format, whole bool)
	// finish writes what belongs behind the last sample of a body that is
	// complete, and all that is still held back.
	finish() error
	// failed returns the writer's error, whatever became of it on its way.
	failed() error
	// release gives the encoder back to its pool.
	release()
}

// newEncoder returns an encoder for a syntax. There are two: a text line has its
// parts as they come, a message has its length first.
func newEncoder(s Syntax) encoder {
	if s == Protobuf {
		return messageEncoders.Get().(*messageEncoder)
	}
	return textEncoders.Get().(*textEncoder)
}

func encode(ctx context.Context, w io.Writer, g fennel.Gatherer, f Format, whole bool) error {
	f = f.known()
	e := newEncoder(f.Syntax)
	defer e.release()
	e.start(w, f, whole)
	var err error
	if g != nil {
		err = g.Visit(ctx, nil, e)
	}
	if failed := e.failed(); failed != nil {
		return failed
	}
	if err != nil && !fennel.Partial(err) {
		return err
	}
	if failed := e.finish(); failed != nil {
		return failed
	}
	return err
}

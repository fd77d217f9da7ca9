package fennelhttp

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/fennelmetrics/fennel/internal/gzip"
)

// Coding is a content coding (RFC 9110, section 8.4.1): how a body is
// compressed on its way. See [WithCoding].
type Coding struct {
	// Name is what the headers Accept-Encoding and Content-Encoding call it, such
	// as "zstd".
	Name string
	// New returns an encoder. It is called by several goroutines at a time.
	New func() Encoder
}

// Encoder compresses one body after another, for one goroutine at a time. The
// writers of package compress/gzip and of others like it are such encoders.
type Encoder interface {
	io.Writer
	// Reset begins a body, which is written to w, and forgets what is left of
	// the one before. It is called with nil for an encoder that is put by.
	Reset(w io.Writer)
	// Close ends the body. It is not called for one that is cut off: its end
	// would pass a part off as the whole.
	Close() error
}

// coding is a coding on offer, with encoders that have been in use.
type coding struct {
	name     string
	encoders sync.Pool
	// selections is the coding for what a query selects; nil if it is this one.
	selections *coding
}

func newCoding(c Coding) *coding {
	return &coding{name: c.Name, encoders: sync.Pool{New: func() any { return c.New() }}}
}

// selectionShare is how much of the cache selections may have: one part in so many.
const selectionShare = 4

// ownGzip is the gzip of a handler that was not told another one. There are as many
// selections as clients think of, and few bodies that are whole. So the former have
// a cache of their own, and can take no room from the latter.
func ownGzip(c *config) *coding {
	share := c.cache / selectionShare
	whole := cachedGzip(c.cache - share)
	whole.selections = cachedGzip(share)
	return whole
}

func cachedGzip(bytes int64) *coding {
	cache := gzip.NewCache(bytes) // nil for none
	return newCoding(Coding{"gzip", func() Encoder { return gzip.NewWriter(cache) }})
}

// serving returns the coding for what is asked for.
func (c *coding) serving(d *demand) *coding {
	if c != nil && c.selections != nil && (d.names != nil || d.format.Readable) {
		return c.selections
	}
	return c
}

// WithCoding offers another coding beside gzip. Where a client likes several
// equally well, it gets the one whose option stands first, and gzip last. The
// encoders are kept for other scrapes. [WithoutCompression] takes back the
// codings of the options before it.
//
// Zstandard is there ready-made, in package fennelhttp/zstd, which is one of its
// own so that programs without it don't link it.
//
// WithCoding panics if the name is none that a header could have, or if there is
// no New.
func WithCoding(c Coding) Option {
	switch {
	case c.Name == "" || strings.ContainsAny(c.Name, " \t\",;=*") || strings.EqualFold(c.Name, "identity"):
		panic(fmt.Sprintf("fennelhttp: WithCoding: no coding is called %q; use a name such as \"zstd\"", c.Name))
	case c.New == nil:
		panic(fmt.Sprintf("fennelhttp: WithCoding: coding %q has no New", c.Name))
	}
	shared := newCoding(c) // by the handlers that get this option
	return option(func(conf *config) { conf.codings = append(conf.codings, shared) })
}

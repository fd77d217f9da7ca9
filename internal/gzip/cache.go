package gzip

import (
	"hash/maphash"
	"sync"
)

// Cache keeps compressed segments, so that text which is the same as in an
// earlier body is not compressed again. All methods are safe for concurrent use.
//
// The text itself is not kept. A segment is known by its [key]: a 64-bit hash
// that nobody outside of the process can foresee, a CRC-32 and the length. Two
// different texts of one length would have to agree in 96 bits for a body to
// be wrong.
type Cache struct {
	seed maphash.Seed // of all hashes

	mu       sync.Mutex
	limit    int64
	bytes    int64 // of all entries, by entry.cost
	round    uint32
	segments map[key]entry
}

// key tells segments apart.
type key struct {
	hash uint64
	crc  uint32
	size uint32
}

// entry is a segment that was seen. What has been seen once is not kept yet: on a
// page where every value changes each time nothing would ever be found.
type entry struct {
	packed []byte // nil if it was seen once
	used   uint32 // the round
}

const (
	// lapse is how many bodies may pass before an entry that none of them used
	// is dropped. There may be several scrapers, each with a format of its own,
	// and somebody with curl.
	lapse = 16
	// overhead is about what an entry takes beside its bytes.
	overhead = 96
)

// NewCache returns a cache for that many bytes, its bookkeeping included.
func NewCache(limit int64) *Cache {
	return &Cache{seed: maphash.MakeSeed(), limit: limit, segments: make(map[key]entry)}
}

func (e entry) cost() int64 { return overhead + int64(cap(e.packed)) }

// begin counts a body, and now and then drops what has not been used for long.
func (c *Cache) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round++
	if c.round%(lapse/4) != 0 {
		return
	}
	for k, e := range c.segments {
		if c.round-e.used > lapse {
			c.bytes -= e.cost()
			delete(c.segments, k)
		}
	}
}

// find returns the compressed bytes of a segment, which must not be changed. If
// there are none, seen tells whether it was there before, so is worth keeping.
func (c *Cache) find(k key) (packed []byte, seen bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, seen := c.segments[k]
	if !seen && c.bytes+overhead > c.limit {
		return nil, false
	}
	if !seen {
		c.bytes += overhead
	}
	e.used = c.round
	c.segments[k] = e
	return e.packed, seen
}

// keep keeps the compressed bytes of a segment that was seen before, if there is
// room. What is there already is not thrown out for it: of a page that is larger
// than the cache, a part is found each time, and not nothing. The bytes are
// copied.
func (c *Cache) keep(k key, packed []byte) {
	e := entry{packed: make([]byte, len(packed))}
	copy(e.packed, packed)
	c.mu.Lock()
	defer c.mu.Unlock()
	old, seen := c.segments[k]
	grown := c.bytes + e.cost()
	if seen {
		grown -= old.cost()
	}
	if grown > c.limit {
		return
	}
	e.used = c.round
	c.bytes, c.segments[k] = grown, e
}

// fits reports whether that many bytes could be kept.
func (c *Cache) fits(bytes int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes+int64(bytes) <= c.limit
}

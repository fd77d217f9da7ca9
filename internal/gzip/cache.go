package gzip

import (
	"hash/maphash"
	"sync"
	"time"
	"unsafe"
	"weak"
)

// Cache keeps compressed segments, so that text which is the same as in an
// earlier body is not compressed again. It is safe for concurrent use, and locks
// nothing while somebody compresses or writes. A nil Cache keeps nothing.
//
// A segment is kept when its text is seen for the second time: text that is always
// new takes no room. It goes when nobody has needed it for some time, which is
// longer for what is needed rarely. So scrapers share a cache, whatever they ask
// for and however often. What finds no room is not kept, and throws nothing out:
// of a page that is larger than the cache, a part is found each time, and not
// nothing. When all scrapers have gone, all goes, within a minute of its time.
//
// The text itself is not kept. A segment is known by its [key]: a 64-bit hash
// that nobody outside of the process can foresee, a CRC-32 and the length. For a
// wrong one to be found, texts of one length would have to agree in 96 bits. With
// ten thousand segments kept, and a thousand looked up each second, the
// probability of that is 4e-15 in a year.
type Cache struct {
	limit int64
	seed  maphash.Seed // of the keys
	hash  func(maphash.Seed, []byte) uint64
	made  time.Time

	mu       sync.Mutex
	bytes    int64 // of all entries, by entry.cost
	segments map[key]entry
	seen     sightings
	swept    uint32 // when
	awaited  bool   // a sweep will come by itself
}

// key tells segments apart.
type key struct {
	hash uint64
	crc  uint32
	size uint32
}

// entry is what the cache knows of a segment. Times are in seconds, by the
// cache's clock.
type entry struct {
	packed   []byte // never changed; nil if it isn't kept
	used     uint32 // when it was last
	interval uint32 // how long it was not, before that
}

const (
	// overhead is what an entry takes beside its bytes, when the map is at its
	// emptiest.
	overhead = 128
	// longestInterval is how far apart two uses may be. Who scrapes more rarely
	// than that doesn't miss the time.
	longestInterval = 5 * 60
	// patience is how long an entry stays in any case. People reload a page several
	// times within seconds, and the scrapers' next round must not suffer from it.
	patience = 30
	// sweepInterval is how often the cache looks for entries to drop, at most.
	sweepInterval = 5
	// idleInterval is how often it looks by itself, as long as it keeps something:
	// there may be no body any more that would make it.
	idleInterval = time.Minute
)

// NewCache returns a cache that keeps so many bytes, its bookkeeping included, or
// nil if that is not more than 0.
func NewCache(limit int64) *Cache {
	if limit <= 0 {
		return nil
	}
	return &Cache{limit: limit, seed: maphash.MakeSeed(), hash: hash, made: time.Now(), seen: newSightings(limit)}
}

// hash is several times as fast as [maphash.Bytes], which begins anew every 128
// bytes.
func hash(seed maphash.Seed, text []byte) uint64 {
	// Nobody has the string when the text changes.
	return maphash.Comparable(seed, unsafe.String(unsafe.SliceData(text), len(text)))
}

// now returns the time, which is not 0.
func (c *Cache) now() uint32 {
	if c == nil {
		return 0
	}
	return 1 + uint32(max(0, time.Since(c.made)/time.Second))
}

// firstLook returns how much text may hold a segment.
func (c *Cache) firstLook() int {
	if c == nil {
		return mostText
	}
	return leastText + lookStep
}

// cut is findCut. Where nothing is kept, segments may end anywhere.
func (c *Cache) cut(text []byte, from int) (n, looked int) {
	switch {
	case c != nil:
		return findCut(text, from)
	case len(text) < mostText:
		return 0, 0
	}
	return len(text), 0
}

// key returns the key of a segment.
func (c *Cache) key(text []byte, crc uint32) key {
	if c == nil {
		return key{}
	}
	return key{c.hash(c.seed, text), crc, uint32(len(text))}
}

// find returns a segment. If it isn't there, the entry says when it was seen, for
// [Cache.keep].
func (c *Cache) find(k key, now uint32) (e entry, found bool) {
	if c == nil {
		return entry{interval: never}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e, found = c.segments[k]
	if !found {
		return entry{used: now, interval: c.seen.add(k.hash, now)}, false
	}
	e.interval = min(max(since(e.used, now), e.interval/2), longestInterval)
	e.used = max(e.used, now)
	c.segments[k] = e
	return e, true
}

// wanted reports whether a segment should be kept that was not found.
func (e *entry) wanted() bool { return e.interval <= longestInterval }

// keep keeps a copy of a segment's bytes, if there is room.
func (c *Cache) keep(k key, e entry, packed []byte) {
	if !c.fits(overhead + int64(len(packed))) {
		return // and isn't copied
	}
	e.packed = append([]byte(nil), packed...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, found := c.segments[k]; found || c.bytes+e.cost() > c.limit {
		return // another body was first
	}
	if c.segments == nil {
		c.segments = make(map[key]entry)
	}
	c.segments[k] = e
	c.bytes += e.cost()
	if !c.awaited {
		c.await()
	}
}

// fits reports whether there is room for so many bytes.
func (c *Cache) fits(cost int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes+cost <= c.limit
}

// cost returns the memory that an entry takes. What append allocates is as long as
// its capacity, and that may be a quarter more than was asked for.
func (e *entry) cost() int64 { return overhead + int64(cap(e.packed)) }

// sweep drops what nobody has needed for too long, now and then.
func (c *Cache) sweep(now uint32) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if since(c.swept, now) >= sweepInterval {
		c.drop(now)
	}
}

// drop drops what nobody has needed for too long.
func (c *Cache) drop(now uint32) {
	c.swept = now
	for k, e := range c.segments {
		if since(e.used, now) > patience+2*e.interval {
			delete(c.segments, k)
			c.bytes -= e.cost()
		}
	}
}

// await has the cache look by itself after a while. It holds none back that nobody
// else has any more.
func (c *Cache) await() {
	c.awaited = true
	held := weak.Make(c)
	time.AfterFunc(idleInterval, func() {
		if c := held.Value(); c != nil {
			c.idle()
		}
	})
}

// idle drops what nobody has needed for too long, and all of its memory if nothing
// is left.
func (c *Cache) idle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drop(c.now()); len(c.segments) > 0 {
		c.await()
		return
	}
	c.awaited, c.segments, c.seen = false, nil, newSightings(c.limit)
}

// since returns how much later now is. Bodies that overlap don't come in the
// order in which they began.
func since(then, now uint32) uint32 { return max(then, now) - then }

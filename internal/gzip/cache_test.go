package gzip

import (
	"bytes"
	"hash/maphash"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// newRoomyCache returns a cache in which no two segments of a test share a place
// among the sightings: its hash numbers them.
func newRoomyCache() *Cache {
	c := NewCache(1 << 30)
	numbers := make(map[uint64]uint64)
	c.hash = func(seed maphash.Seed, text []byte) uint64 {
		h := hash(seed, text)
		if _, ok := numbers[h]; !ok {
			numbers[h] = uint64(len(numbers))
		}
		return numbers[h]
	}
	return c
}

// use is what one body found in a cache.
type use struct{ hits, misses int }

// scrape compresses a body through c, checks it, and returns what was found.
func scrape(t *testing.T, c *Cache, body []byte) use {
	t.Helper()
	before := use{c.hits, c.misses}
	check(t, compress(t, NewWriter(c), body, 64<<10), body)
	return use{c.hits - before.hits, c.misses - before.misses}
}

// bytesOf returns what the cache says it holds, and checks it.
func bytesOf(t *testing.T, c *Cache) int64 {
	t.Helper()
	sum := int64(0)
	for _, e := range c.segments {
		sum += e.cost()
	}
	if sum != c.bytes || sum > c.limit {
		t.Errorf("the cache counts %d bytes, has %d, and may have %d", c.bytes, sum, c.limit)
	}
	return sum
}

func TestWhatWasSeenTwiceIsFound(t *testing.T) {
	c := newRoomyCache()
	z := NewWriter(c)
	body := page(10_000, square)
	all := len(segments(c, body))
	first := bytes.Clone(compress(t, z, body, 64<<10))
	if len(c.segments) != 0 {
		t.Errorf("%d segments are kept that were seen once", len(c.segments))
	}
	for i, want := range []use{{0, all}, {all, 0}, {all, 0}} {
		if got := scrape(t, c, body); got != want {
			t.Errorf("scrape %d: %v, want %v", i+2, got, want)
		}
		if again := compress(t, z, body, 1000); !bytes.Equal(first, again) {
			t.Fatal("the same text was compressed to something else")
		}
	}
	bytesOf(t, c)
	// What is found is not compressed again: spoilt bytes come out as they are.
	for k := range c.segments {
		c.segments[k].packed[20]++
	}
	if bytes.Equal(first, compress(t, z, body, 64<<10)) {
		t.Error("what is kept was not used")
	}
}

func TestPagesOfWhichNothingStaysTakeNoRoom(t *testing.T) {
	c := NewCache(1 << 20)
	for round := range 100 {
		scrape(t, c, page(5000, func(i int) uint64 { return uint64(i*1000 + round) }))
	}
	if got := bytesOf(t, c); got > 0 {
		t.Errorf("the cache holds %d bytes", got)
	}
}

func TestCacheKeepsWithinItsLimit(t *testing.T) {
	for _, limit := range []int64{1, overhead, 10_000, 100_000} {
		c := NewCache(limit)
		for round := range 40 {
			scrape(t, c, page(20_000, func(i int) uint64 { return uint64(i * (round / 4)) }))
			bytesOf(t, c)
		}
		if limit > 10_000 && len(c.segments) == 0 {
			t.Errorf("limit %d: nothing is kept", limit)
		}
	}
}

// What is kept of bodies that are selections of few metrics is mostly bookkeeping.
func TestMemoryOfSmallSegments(t *testing.T) {
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	packed := make([]byte, 40)
	for limit := int64(4 << 20); limit < 9<<20; limit += 1 << 20 {
		before := heap()
		c := NewCache(limit)
		for i := uint64(0); c.fits(entry{packed: packed}); i++ {
			k := key{hash: i}
			e, _ := c.find(k, 1)
			c.keep(k, e, packed)
		}
		if got := heap() - before; got > limit+limit/10 {
			t.Errorf("a cache of %d bytes takes %d", limit, got)
		}
		runtime.KeepAlive(c)
	}
}

func TestPartOfAPageThatIsTooLargeIsFoundEachTime(t *testing.T) {
	body := page(20_000, square)
	whole := NewCache(1 << 20)
	for range 3 {
		scrape(t, whole, body)
	}
	c := NewCache(bytesOf(t, whole) / 2)
	for range 20 { // sightings are few, too, and replace each other
		scrape(t, c, body)
	}
	got := scrape(t, c, body)
	if third := (got.hits + got.misses) / 3; got.hits < third || got.misses < third {
		t.Errorf("%+v, want about a half each", got)
	}
}

func TestNoCache(t *testing.T) {
	for _, limit := range []int64{0, -1} {
		if NewCache(limit) != nil {
			t.Errorf("there is a cache of %d bytes", limit)
		}
	}
}

// scraper asks for a body every so often.
type scraper struct {
	every int // seconds
	body  func(now int) []byte
}

// run runs scrapers for some seconds of a test's time, and returns what each
// found last.
func run(t *testing.T, c *Cache, seconds int, scrapers ...scraper) []use {
	last := make([]use, len(scrapers))
	for now := range seconds {
		time.Sleep(time.Second)
		for i, s := range scrapers {
			if now%s.every == 0 {
				last[i] = scrape(t, c, s.body(now))
			}
		}
		bytesOf(t, c)
	}
	return last
}

func always(body []byte) func(int) []byte { return func(int) []byte { return body } }

func TestScrapersShareACache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newRoomyCache()
		often := scraper{15, always(page(3000, square))}
		rarely := scraper{120, always(page(4000, func(i int) uint64 { return uint64(i) }))}
		changing := scraper{1, func(now int) []byte {
			return page(1000, func(i int) uint64 { return uint64(i * now) })
		}}
		reloading := scraper{1, always(page(2000, func(i int) uint64 { return 7 }))}
		all := func(s scraper) use { return use{len(segments(c, s.body(0))), 0} }

		run(t, c, 10, often, rarely, reloading) // whose first time the others' is, too
		last := run(t, c, 600, often, rarely, changing)
		if last[0] != all(often) || last[1] != all(rarely) {
			t.Errorf("found %+v, want %+v and %+v", last, all(often), all(rarely))
		}
		if want := all(often).hits + all(rarely).hits; len(c.segments) != want {
			t.Errorf("%d segments are kept, want the %d of two scrapers", len(c.segments), want)
		}

		run(t, c, 100, often, reloading)
		run(t, c, 190, often)
		if want := all(often).hits; len(c.segments) != want {
			t.Errorf("%d segments are kept, want the %d of the last scraper", len(c.segments), want)
		}
		run(t, c, 70, changing)
		if got := bytesOf(t, c); got > 0 {
			t.Errorf("%d bytes are kept of scrapers that have gone", got)
		}
	})
}

// A page that changes here and there leaves versions behind that nobody will ask
// for.
func TestOldVersionsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCache(64 << 20)
		const series = 50_000
		drifting := scraper{15, func(now int) []byte {
			return page(series, func(i int) uint64 { return uint64(i + (now/15+i/1000)/20) })
		}}
		run(t, c, 60, scraper{15, always(drifting.body(0))})
		once := bytesOf(t, c)
		last := run(t, c, 900, drifting)
		if got := bytesOf(t, c); got > 2*once {
			t.Errorf("%d bytes are kept for a page of %d", got, once)
		}
		if last[0].hits < last[0].misses {
			t.Errorf("found %+v", last[0])
		}
	})
}

func TestRareScrapesKeepNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCache(1 << 20)
		for range 5 {
			scrape(t, c, page(1000, square))
			time.Sleep((longestInterval + 1) * time.Second)
		}
		if got := bytesOf(t, c); got > 0 {
			t.Errorf("%d bytes are kept from one scrape to the next", got)
		}
	})
}

func TestClockThatGoesBack(t *testing.T) {
	var c *Cache
	synctest.Test(t, func(t *testing.T) { // whose time begins in the year 2000
		c = newRoomyCache()
		c.made = c.made.Add(time.Hour)
		for range 3 {
			scrape(t, c, page(1000, square))
		}
	})
	if got := scrape(t, c, page(1000, square)); got.misses > 0 {
		t.Errorf("found %+v", got)
	}
}

func TestABodyThatBeganEarlierMakesNothingOlder(t *testing.T) {
	c := newRoomyCache()
	k := key{hash: 1}
	c.find(k, 100)
	e, _ := c.find(k, 110)
	c.keep(k, e, []byte("packed"))
	c.find(k, 200)
	c.find(k, 150)
	if got := c.segments[k].used; got != 200 {
		t.Errorf("it was used at 200, and the cache says %d", got)
	}
	c.sweep(200 + patience + 20)
	c.sweep(150)
	if _, found := c.find(k, 160); !found {
		t.Error("it went too early")
	}
}

func TestAReloadDoesNotCostTheNextRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newRoomyCache()
		body := page(1000, square)
		other := page(10, square) // whose end sweeps
		for range 3 {
			scrape(t, c, body)
			time.Sleep(120 * time.Second)
		}
		for range 3 {
			scrape(t, c, body)
			time.Sleep(time.Second) // and again
			scrape(t, c, body)
			time.Sleep(118 * time.Second)
			scrape(t, c, other)
			time.Sleep(time.Second)
			if got := scrape(t, c, body); got.misses > 0 {
				t.Errorf("found %+v", got)
			}
			time.Sleep(120 * time.Second)
		}
	})
}

// Somebody may ask for many different selections of metrics, each several times.
func TestManySmallBodiesThrowNothingOut(t *testing.T) {
	c := newRoomyCache()
	c.limit = 100_000
	body := page(1000, square)
	for range 2 {
		scrape(t, c, body)
	}
	for i := range 3000 {
		small := []byte("a " + strconv.Itoa(i) + "\n")
		for range 2 {
			compress(t, NewWriter(c), small, len(small))
		}
	}
	if bytesOf(t, c) < c.limit-1000 {
		t.Errorf("%d bytes are kept, so this test shows nothing", c.bytes)
	}
	if got := scrape(t, c, body); got.misses > 0 {
		t.Errorf("of the page that was there first, found %+v", got)
	}
}

// With a hash that is always the same, CRC and length are all there is.
func TestTextsWithTheSameHashAreToldApart(t *testing.T) {
	c := NewCache(1 << 20)
	c.hash = func(maphash.Seed, []byte) uint64 { return 42 }
	for round := range 20 {
		for version := range 4 {
			scrape(t, c, page(400, func(i int) uint64 { return uint64(100 + version + round/10) }))
		}
	}
	if c.hits == 0 || len(c.segments) < 4 {
		t.Errorf("%d hits, %d segments", c.hits, len(c.segments))
	}
}

func TestWritersShareACacheAtTheSameTime(t *testing.T) {
	c := NewCache(200_000)
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			z := NewWriter(c)
			for round := range 20 {
				body := page(5000, func(i int) uint64 { return uint64(i % (round/4 + g/2 + 1)) })
				check(t, compress(t, z, body, 64<<10), body)
			}
		})
	}
	group.Wait()
	bytesOf(t, c)
	if c.hits == 0 {
		t.Error("nothing was found")
	}
}

func TestSightings(t *testing.T) {
	s := newSightings(1 << 20)
	for i, step := range []struct {
		hash uint64
		now  uint32
		want uint32
	}{
		{1, 1, never},
		{1, 1, 0},
		{1, 5, 4},
		{2, 7, never},
		{1, 9, 4},
		{1, 8, 0},                               // of a body that began before that
		{1 | 1<<32, 9 + longestInterval, never}, // in the place of one that is too old
		{1 | 1<<32, 10 + longestInterval, 1},
		{1, 10 + longestInterval, never},
	} {
		if got := s.add(step.hash, step.now); got != step.want {
			t.Errorf("step %d: %d, want %d", i, got, step.want)
		}
	}
}

func TestSegmentsThatShareAPlaceAreAllSeen(t *testing.T) {
	s := newSightings(1)
	seen := make(map[uint64]bool)
	for now := uint32(1); len(seen) < 3; now++ {
		if now > 1000 {
			t.Fatalf("%d of 3 are seen", len(seen))
		}
		for h := range uint64(3) {
			if s.add(h<<32, now) != never {
				seen[h] = true
			}
		}
	}
}

func TestSightingsTakeLittle(t *testing.T) {
	for _, limit := range []int64{1, 5000, 32 << 20, 1 << 62} {
		s := newSightings(limit)
		if n := len(s); n&(n-1) != 0 || int64(n)*8 > max(8, limit/256) {
			t.Errorf("%d sightings for %d bytes", n, limit)
		}
		s.add(1<<64-1, 1) // fits
	}
}

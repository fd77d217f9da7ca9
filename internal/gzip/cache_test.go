package gzip

import (
	"bytes"
	"hash/crc32"
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

// use is how many segments of a body are in a cache, and how many are not.
type use struct{ hits, misses int }

// useOf returns what a body will find in a cache.
func useOf(c *Cache, body []byte) (u use) {
	texts := segments(c, body)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range texts {
		if _, found := c.segments[c.key([]byte(s), crc32.ChecksumIEEE([]byte(s)))]; found {
			u.hits++
		} else {
			u.misses++
		}
	}
	return u
}

// scrape compresses a body through c, checks it, and returns what was found.
func scrape(t *testing.T, c *Cache, body []byte) use {
	t.Helper()
	found := useOf(c, body)
	check(t, compress(t, NewWriter(c), body, 64<<10), body)
	return found
}

// bytesOf returns what the cache says it holds, and checks it.
func bytesOf(t *testing.T, c *Cache) int64 {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
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
	for _, limit := range []int64{1, overhead, 10_000, 30_000} {
		c := NewCache(limit)
		for round := range 40 {
			scrape(t, c, page(6000, func(i int) uint64 { return uint64(i * (round / 4)) }))
			bytesOf(t, c)
		}
		if limit > 10_000 && kept(c) == 0 {
			t.Errorf("limit %d: nothing is kept", limit)
		}
	}
}

// What is allocated is more than the bytes of the segment, and may find no room where
// they would.
func TestCacheHasNoRoomForWhatIsAllocated(t *testing.T) {
	const size = 33_000
	c := NewCache(overhead + size)
	for range 2 {
		k := key{hash: 1}
		e, _ := c.find(k, 1)
		c.keep(k, e, make([]byte, size))
	}
	if bytesOf(t, c) > 0 || c.awaited {
		t.Error("it keeps a segment that takes more than its limit")
	}
}

// heap returns how much memory is in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What is kept of bodies that are selections of few metrics is mostly bookkeeping,
// and what doesn't get smaller takes whole pages of memory.
func TestMemoryOfSegmentsOfAnySize(t *testing.T) {
	for _, size := range []int{40, 700, 1200, 5000, 8200, 28_000, 33_000, 39_000, 41_000, 66_000} {
		packed := make([]byte, size, size+1000)
		for limit := int64(4 << 20); limit < 9<<20; limit += 1 << 20 {
			before := heap()
			c := NewCache(limit)
			for i := uint64(0); c.bytes < limit-int64(2*size+overhead); i++ {
				k := key{hash: i}
				e, _ := c.find(k, 1)
				c.keep(k, e, packed)
			}
			got := heap() - before
			if got > limit+limit/20 || size > 1000 && got < limit-limit/20 {
				t.Errorf("a cache of %d bytes, full of segments of %d, takes %d", limit, size, got)
			}
			runtime.KeepAlive(c)
		}
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

// kept returns how many segments there are.
func kept(c *Cache) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.segments)
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
		if want := all(often).hits + all(rarely).hits; kept(c) != want {
			t.Errorf("%d segments are kept, want the %d of two scrapers", kept(c), want)
		}

		run(t, c, 100, often, reloading)
		run(t, c, 190, often)
		if want := all(often).hits; kept(c) != want {
			t.Errorf("%d segments are kept, want the %d of the last scraper", kept(c), want)
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

// Nothing but the cache itself looks at it when the last scraper has gone.
func TestWhatNobodyNeedsGoesWithoutAScrape(t *testing.T) {
	for name, test := range map[string]struct{ every, stays, goes int }{
		"often":  {15, 15, 150},
		"rarely": {290, 290, 730},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newRoomyCache()
				body := page(10_000, square)
				for range 4 {
					time.Sleep(time.Duration(test.every) * time.Second)
					scrape(t, c, body)
				}
				time.Sleep(time.Duration(test.stays) * time.Second)
				if got := useOf(c, body); got.misses > 0 {
					t.Errorf("after %d s, %+v is left", test.stays, got)
				}
				time.Sleep(time.Duration(test.goes-test.stays) * time.Second)
				synctest.Wait()
				c.mu.Lock()
				if c.bytes > 0 || c.segments != nil || c.seen.places != nil || c.awaited {
					t.Errorf("after %d s, %d bytes and %d segments are left, and %d sightings",
						test.goes, c.bytes, len(c.segments), len(c.seen.places))
				}
				c.mu.Unlock()
				for i, want := range []int{0, 0, 1} { // and it can be used again
					if got := scrape(t, c, body); min(got.hits, 1) != want {
						t.Errorf("scrape %d of a new scraper found %+v", i+1, got)
					}
				}
			})
		})
	}
}

// A handler that a program has dropped takes its cache along.
func TestNothingHoldsACacheThatNobodyHas(t *testing.T) {
	body := page(10_000, square)
	gone := make(chan struct{})
	func() {
		c := NewCache(1 << 20)
		runtime.AddCleanup(c, func(done chan struct{}) { close(done) }, gone)
		for range 3 {
			scrape(t, c, body)
		}
		if !c.awaited {
			t.Error("no sweep is awaited, so this test shows nothing")
		}
	}()
	for range 1000 {
		runtime.GC()
		select {
		case <-gone:
			return
		default:
			runtime.Gosched()
		}
	}
	t.Error("it is still there")
}

// A cache that sees one body, as that of a handler made for each request, takes no
// more than the body calls for.
func TestACacheIsAsSmallAsWhatItSees(t *testing.T) {
	for series, most := range map[int]int{0: 0, 100: 16, 1500: 16, 60_000: 1024} {
		c := NewCache(1 << 30)
		scrape(t, c, page(series, square)[:series*80])
		if got := len(c.seen.places); got > most || c.segments != nil || c.awaited {
			t.Errorf("the cache of one body of %d series has room for %d sightings, want %d", series, got, most)
		}
	}
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
	hits := 0
	for round := range 20 {
		for version := range 4 {
			hits += scrape(t, c, page(400, func(i int) uint64 { return uint64(100 + version + round/10) })).hits
		}
	}
	if hits == 0 || len(c.segments) < 4 {
		t.Errorf("%d hits, %d segments", hits, len(c.segments))
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
	if kept(c) == 0 {
		t.Error("nothing is kept")
	}
}

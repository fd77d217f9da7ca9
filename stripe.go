package fennel

import (
	"math/bits"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/sketch"
)

// A metric is one cache line for as long as it is quiet. Once goroutines on
// several processors are seen to meet at it, it is spread over stripes: each has
// cache lines of its own and is updated by some of the goroutines, and a reader
// adds them up. What was counted before stays in the record, which nobody writes
// to any more.

const (
	// maxStripes bounds what a metric takes, and what a reader has to add up.
	// Where more goroutines run at the same time, a few share a stripe.
	maxStripes = 128
	// firstStripes is how many there are at first.
	firstStripes = 4
	// collisionsToProbe is at how many collisions, on average, it is looked
	// whether others are still there. They are not counted, which would need
	// memory: each has that chance.
	collisionsToProbe = 16
	// collisionsToDeal is, once there may be no more stripes, at how many collisions
	// on average it is looked whether others are still there, to deal the goroutines
	// anew. It doubles each time, maxPatience times.
	collisionsToDeal = 8 * collisionsToProbe
	maxPatience      = 6
	// probes is how often the word is looked at then, for about a microsecond, and
	// changesOfBusy how often it has to change meanwhile. It is only read: who wrote
	// to it would own its cache line, and where that takes long to come from another
	// processor nobody would be seen.
	probes        = 1000
	changesOfBusy = 3
	// stripePad is the distance that keeps processors apart: two cache lines,
	// since many fetch them in pairs.
	stripePad = 128
)

// mostStripes is how many stripes are enough on this machine, a power of two: with
// four times as many as processors, three out of four goroutines have one of their
// own. Only a metric at which goroutines go on meeting gets that many. Without
// several processors there are none.
func mostStripes() int {
	n := runtime.GOMAXPROCS(0)
	if n == 1 {
		return 1
	}
	return min(1<<bits.Len(uint(4*n-1)), maxStripes)
}

// dealing says which stripes are for which goroutines. The zero value is one of the
// many ways to deal them.
type dealing struct {
	salt  uint32 // even
	turns uint32 // how often was dealt anew
}

// stripe returns which of n stripes is for the calling goroutine: mostly the same
// one, since it follows from where its stack lies.
func (d dealing) stripe(n int) int {
	var here byte
	// Stacks lie at multiples of 2 KiB. The multiplication spreads those that
	// lie side by side, and each odd number does so in another way.
	hash := uint32(uintptr(unsafe.Pointer(&here))>>11) * (0x9e3779b9 ^ d.salt)
	high, _ := bits.Mul32(hash, uint32(n))
	return int(high)
}

// due reports, to who has met somebody at a stripe, whether it is time to look at
// dealing anew. The more often that was done, the longer it takes: where more
// goroutines run than one can keep apart, it would do no good.
func (d dealing) due() bool {
	return rand.Uint32()%(collisionsToDeal<<min(d.turns, maxPatience)) == 0
}

// anew deals the goroutines anew.
func (d dealing) anew() dealing { return dealing{rand.Uint32() << 1, d.turns + 1} }

// extra is what only some of the metrics have: exemplars, and stripes. It never
// changes; another one takes its place.
//
// A histogram or a summary that is reset gets one, so that everything changes in a
// single moment, for readers as for updates: what is being observed in the old
// stripes, or in the record, is forgotten with them.
type extra[S any] struct {
	exemplars *exemplarSlot // the first of a histogram's, one for each bucket; nil for none
	stripes   []*S          // with a capacity for more if there may be more
	// since is when the metric was reset, in nanoseconds since 1970, or 0. After
	// that, nothing in the record counts any more.
	since  int64
	deal   dealing
	window sketch.Estimator // of a summary that was reset, in place of its first
}

// stripe returns the stripe that is for the calling goroutine. There must be some.
func (x *extra[S]) stripe() *S { return x.stripes[x.deal.stripe(len(x.stripes))] }

// list returns the stripes of x, which may be nil, in a slice that never changes.
func (x *extra[S]) list() []*S {
	if x == nil {
		return nil
	}
	return x.stripes
}

// reset returns when the metric was reset, or 0 if it wasn't.
func (x *extra[S]) reset() int64 {
	if x == nil {
		return 0
	}
	return x.since
}

// extras holds the extra of a metric, nil while there is none. A metric that has
// none is neither busy nor annotated, so this is all that a quick update asks.
type extras[S any] struct{ atomic.Pointer[extra[S]] }

// stripes returns the stripes, in a slice that never changes.
func (p *extras[S]) stripes() []*S { return p.Load().list() }

// exemplars returns the first of the slots for exemplars, or nil.
func (p *extras[S]) exemplars() *exemplarSlot {
	if x := p.Load(); x != nil {
		return x.exemplars
	}
	return nil
}

// withExemplars returns the first of the slots for exemplars, of which there are n.
func (p *extras[S]) withExemplars(n int) *exemplarSlot {
	for {
		old := p.Load()
		if old != nil && old.exemplars != nil {
			return old.exemplars
		}
		var x extra[S]
		if old != nil {
			x = *old
		}
		x.exemplars = &make([]exemplarSlot, n)[0]
		if p.CompareAndSwap(old, &x) {
			return x.exemplars
		}
	}
}

// collided is called by an update that has met another one at a word. It may add
// stripes, which are made by add, or deal the goroutines anew where there are
// enough: two that share a stripe would do so for as long as they live.
func (p *extras[S]) collided(word *atomic.Uint64, add func() *S) {
	x := p.Load()
	if n := len(x.list()); n > 0 && n == cap(x.stripes) {
		if n > 1 && x.deal.due() && isBusy(word) {
			again := *x
			again.deal = x.deal.anew()
			p.CompareAndSwap(x, &again)
		}
		return
	}
	if rand.Uint32()%collisionsToProbe == 0 && isBusy(word) {
		p.grow(add)
	}
}

// isBusy reports whether somebody goes on changing a word.
func isBusy(word *atomic.Uint64) bool {
	last, changes := word.Load(), 0
	for range probes {
		if v := word.Load(); v != last {
			last = v
			if changes++; changes == changesOfBusy {
				return true
			}
		}
	}
	return false
}

// grow doubles the number of stripes, if there may be more, or makes the first.
func (p *extras[S]) grow(add func() *S) {
	old := p.Load()
	var x extra[S]
	if old != nil {
		x = *old
	}
	most := mostStripes()
	n := min(max(2*len(x.stripes), firstStripes), most)
	if n <= len(x.stripes) || most == 1 {
		return
	}
	x.stripes = fill(append(make([]*S, 0, min(2*n, most)), x.stripes...), n, add)
	p.CompareAndSwap(old, &x)
}

// anew lets a metric begin anew: with as many stripes as before, but one at least,
// and without exemplars. Created is when it was created; the window is nil unless it
// is a summary's.
func (p *extras[S]) anew(created int64, window sketch.Estimator, add func() *S) {
	for {
		old := p.Load()
		n := max(1, len(old.list()))
		x := extra[S]{window: window}
		if old != nil {
			x.deal = old.deal
		}
		// Where there is one processor there may soon be more, so there is room in any case.
		x.stripes = fill(make([]*S, 0, max(n, firstStripes, min(2*n, mostStripes()))), n, add)
		// Lives are told apart by when they began, however coarse the clock is.
		x.since = max(time.Now().UnixNano(), created+1, old.reset()+1)
		if p.CompareAndSwap(old, &x) {
			return
		}
	}
}

// fill adds stripes to a list until there are n.
func fill[S any](list []*S, n int, add func() *S) []*S {
	for len(list) < n {
		list = append(list, add())
	}
	return list
}

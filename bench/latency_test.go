package main

import (
	"context"
	"math/bits"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// latencyTime is how long an iteration of BenchmarkLatency lasts.
const latencyTime = 3 * time.Second

// BenchmarkLatency measures how long one look-up of three labels and Inc takes at
// most, in a tenth of a second at most (the median of thirty), and how long all but
// one in a thousand do, in a loop over many counters. The loop has a thread of its
// own that the system prefers, and so has the creation of series: thus they show what
// they wait for, and not who else has the processor.
//
//   - idle, while nothing else happens;
//   - busy, while another goroutine computes, so that what the schedulers of the
//     program and of the machine take can be told from what the library does;
//   - loaded, while another goroutine scrapes all in a loop, and a third creates
//     10,000 counters a second, whose times are reported, too.
//
// One iteration says it all: -benchtime=1x.
func BenchmarkLatency(b *testing.B) {
	for _, peer := range []struct {
		peer   string
		series int
	}{
		{"fennel", 1_000_000}, {"fennel", 200_000}, {"client_golang", 200_000}, {"vm", 200_000},
	} {
		b.Run(strconv.Itoa(peer.series)+"/"+peer.peer, func(b *testing.B) {
			t := newLatencyTarget(peer.peer, peer.series)
			b.Run("idle", func(b *testing.B) { t.run(b) })
			b.Run("busy", func(b *testing.B) { t.run(b, compute) })
			b.Run("loaded", func(b *testing.B) {
				var created latencies
				t.run(b, t.scrapeLoop, func(ctx context.Context) {
					preferThread()
					t.createLoop(ctx, &created)
				})
				created.report(b, "create-")
			})
		})
	}
}

// latencyTarget is a registry that was filled.
type latencyTarget struct {
	system func() system
	series int
	next   int // the series that is created next
}

func newLatencyTarget(name string, series int) *latencyTarget {
	return &latencyTarget{sync.OnceValue(func() system {
		s := peerOf(name).new()
		fill(s, series)
		newClient().scrape(s.handler(), request(text))
		runtime.GC()
		return s
	}), series, series}
}

func peerOf(name string) peer {
	for _, p := range peers {
		if p.name == name {
			return p
		}
	}
	panic("no peer " + name)
}

// run measures while others run.
func (t *latencyTarget) run(b *testing.B, others ...func(context.Context)) {
	s := t.system()
	all := labelSets(t.series)
	order := shuffled(t.series)
	var found latencies
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2 * runtime.NumCPU()))
	for b.Loop() {
		ctx, cancel := context.WithTimeout(context.Background(), latencyTime)
		var running sync.WaitGroup
		for _, other := range others {
			running.Go(func() { other(ctx) })
		}
		running.Go(func() {
			preferThread()
			for i := 0; ctx.Err() == nil; i++ {
				l := all[order[i%len(order)]]
				start := time.Now()
				s.add(l, 1)
				found.add(start, time.Since(start))
			}
		})
		running.Wait()
		cancel()
	}
	found.report(b, "")
}

// sink keeps compute's result alive.
var sink atomic.Uint64

// compute keeps a processor busy.
func compute(ctx context.Context) {
	x := uint64(1)
	for i := 0; i%1000 > 0 || ctx.Err() == nil; i++ {
		x = x*0x9e3779b97f4a7c15 + uint64(i)
	}
	sink.Store(x)
}

// scrapeLoop scrapes without a pause.
func (t *latencyTarget) scrapeLoop(ctx context.Context) {
	h, c, r := t.system().handler(), newClient(), request(text)
	for ctx.Err() == nil {
		c.scrape(h, r)
	}
}

// createLoop creates ten counters each millisecond, or what it is late with.
func (t *latencyTarget) createLoop(ctx context.Context, took *latencies) {
	s, start, created := t.system(), time.Now(), 0
	for ctx.Err() == nil {
		for due := int(time.Since(start) / (100 * time.Microsecond)); created < due; created++ {
			l := labelsOf(t.next)
			t.next++
			start := time.Now()
			s.add(l, 1)
			took.add(start, time.Since(start))
		}
		time.Sleep(time.Millisecond)
	}
}

// latencies counts durations, in 32 buckets for each power of two, and keeps the
// longest of each tenth of a second.
type latencies struct {
	counts  [64 * 32]int
	total   int
	longest []time.Duration
	ends    time.Time // of the last tenth
}

func (l *latencies) add(start time.Time, d time.Duration) {
	if !start.Before(l.ends) {
		l.longest, l.ends = append(l.longest, 0), start.Add(100*time.Millisecond)
	}
	last := &l.longest[len(l.longest)-1]
	*last = max(*last, d)
	l.total++
	n := uint64(max(d, 32))
	shift := bits.Len64(n) - 6
	l.counts[shift*32+int(n>>shift)]++
}

// quantile returns the lower bound of the bucket that has it.
func (l *latencies) quantile(q float64) time.Duration {
	left := int(float64(l.total) * q)
	for i, n := range l.counts {
		if left -= n; left < 0 {
			shift := max(i/32-1, 0)
			return time.Duration(i-shift*32) << shift
		}
	}
	return slices.Max(l.longest)
}

func (l *latencies) report(b *testing.B, prefix string) {
	slices.Sort(l.longest)
	b.ReportMetric(float64(l.longest[len(l.longest)-1]), prefix+"max-ns")
	b.ReportMetric(float64(l.longest[len(l.longest)/2]), prefix+"tenth-ns")
	b.ReportMetric(float64(l.quantile(0.999)), prefix+"p999-ns")
}

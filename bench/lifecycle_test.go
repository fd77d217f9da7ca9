package main

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// BenchmarkLifecycle measures what becomes of series, in nanoseconds for each that
// is created, in random order, deleted or created again: DeleteFunc takes half of
// them by a predicate, as a program does that knows when it used which. One
// iteration is one registry, so that -benchtime=1x is enough.
func BenchmarkLifecycle(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000, 10_000_000} {
		b.Run(strconv.Itoa(n)+"/fennel", func(b *testing.B) {
			var total phases
			for b.Loop() {
				total.live(n)
			}
			total.report(b)
		})
	}
}

// phases are how long the phases of series' lives took, for one series.
type phases []phase

type phase struct {
	name string
	took float64
	n    int
}

// add adds a phase that took so long for n series.
func (p *phases) add(name string, took time.Duration, n int) {
	i := slices.IndexFunc(*p, func(other phase) bool { return other.name == name })
	if i < 0 {
		i = len(*p)
		*p = append(*p, phase{name: name})
	}
	(*p)[i].took += float64(took) / float64(n)
	(*p)[i].n++
}

func (p *phases) report(b *testing.B) {
	for _, one := range *p {
		b.ReportMetric(one.took/float64(one.n), one.name+"-ns/series")
	}
}

func (p *phases) live(n int) {
	v := fennel.NewCounterVec[labels](counterName, help, fennel.In(fennel.NewRegistry()))
	order := shuffled(n)
	with := func(l labels) { v.With(l).Inc() }
	p.add("create", each10k(order, with), n)
	old := make(map[string]bool)
	for i, status := range statuses {
		old[status] = i%2 == 0
	}
	start := time.Now()
	half := v.DeleteFunc(func(l labels) bool { return old[l.Status] })
	p.add("delete-func", time.Since(start), n)
	p.add("recreate", each10k(slices.DeleteFunc(slices.Clone(order), func(i int) bool { return !old[labelsOf(i).Status] }), with), half)
	p.add("delete", each10k(order, func(l labels) { v.Delete(l) }), n)
	each10k(order, with)
	start = time.Now()
	if v.Clear() != n {
		panic("series were lost")
	}
	p.add("clear", time.Since(start), n)
}

// each10k calls do with the labels of series, whose making is not measured.
func each10k(series []int, do func(labels)) (took time.Duration) {
	all := make([]labels, 0, 10_000)
	for some := range slices.Chunk(series, cap(all)) {
		all = all[:0]
		for _, i := range some {
			all = append(all, labelsOf(i))
		}
		start := time.Now()
		for _, l := range all {
			do(l)
		}
		took += time.Since(start)
	}
	return took
}

// BenchmarkScrapeChurn scrapes counters that were created in random order, as text:
// when nothing has happened, each time after a tenth of them was deleted and
// created again, which is not measured, and while 10,000 a second are created. The
// ratios are those to the quiet scrape.
func BenchmarkScrapeChurn(b *testing.B) {
	const n, scrapes = 1_000_000, 7
	b.Run(strconv.Itoa(n)+"/fennel", func(b *testing.B) {
		var quiet, churned, creating []time.Duration
		for b.Loop() {
			r := fennel.NewRegistry()
			s := &fennelSystem{registry: r, counters: fennel.NewCounterVec[labels](counterName, help, fennel.In(r))}
			for _, i := range shuffled(n) {
				s.add(labelsOf(i), valueOf(i))
			}
			scrapeOnce(r)
			for range scrapes {
				quiet = append(quiet, scrapeOnce(r))
			}
			for k := range scrapes {
				for i := k; i < n; i += 10 {
					s.counters.Delete(labelsOf(i))
					s.add(labelsOf(i), valueOf(i))
				}
				churned = append(churned, scrapeOnce(r))
			}
			ctx, cancel := context.WithCancel(context.Background())
			t := &latencyTarget{func() system { return s }, n, n}
			var running sync.WaitGroup
			running.Go(func() { t.createLoop(ctx, new(latencies)) })
			for range 10 * scrapes {
				creating = append(creating, scrapeOnce(r))
			}
			cancel()
			running.Wait()
		}
		base := float64(median(quiet))
		b.ReportMetric(base, "quiet-ns")
		b.ReportMetric(float64(median(churned)), "churned-ns")
		b.ReportMetric(float64(median(creating)), "creating-ns")
		b.ReportMetric(float64(median(churned))/base, "churned-ratio")
		b.ReportMetric(float64(median(creating))/base, "creating-ratio")
	})
}

func scrapeOnce(r *fennel.Registry) time.Duration {
	start := time.Now()
	if err := exposition.Write(context.Background(), newClient(), r, exposition.Format{}); err != nil {
		panic(err)
	}
	return time.Since(start)
}

func median(all []time.Duration) time.Duration {
	all = slices.Clone(all)
	slices.Sort(all)
	return all[len(all)/2]
}

// BenchmarkReplace puts 100,000 gauges in the place of as many, which were scraped.
func BenchmarkReplace(b *testing.B) {
	const n = 100_000
	b.Run(strconv.Itoa(n)+"/fennel", func(b *testing.B) {
		r := fennel.NewRegistry()
		v := fennel.NewGaugeVec[labels]("queue_depth", help, fennel.In(r))
		all := labelSets(n)
		b.ReportAllocs()
		for b.Loop() {
			v.Replace(func(next *fennel.GaugeVec[labels]) {
				for i, l := range all {
					next.With(l).Set(float64(i))
				}
			})
			b.StopTimer()
			scrapeOnce(r)
			b.StartTimer()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/series")
	})
}

package fennel

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// resettable is what observes and can be reset.
type resettable interface {
	Observer
	ObserveDuration(time.Duration)
	Count() uint64
	Sum() float64
	Created() time.Time
	Reset()
}

// forAllResettable runs a test for each kind of them.
func forAllResettable(t *testing.T, test func(*testing.T, *Registry, resettable)) {
	for name, declare := range map[string]func(*Registry) resettable{
		"histogram":         func(r *Registry) resettable { return NewHistogram("h", "", In(r)) },
		"striped histogram": func(r *Registry) resettable { return spreadHistogram(NewHistogram("h", "", In(r))) },
		"native histogram":  func(r *Registry) resettable { return NewHistogram("h", "", In(r), Native{}) },
		"summary":           func(r *Registry) resettable { return NewSummary("s", "", In(r)) },
		"striped summary":   func(r *Registry) resettable { return spreadSummary(NewSummary("s", "", In(r))) },
		"quantiles":         func(r *Registry) resettable { return NewSummary("s", "", In(r), Quantiles(0, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			r := NewRegistry()
			test(t, r, declare(r))
		})
	}
}

// only returns the only sample of a registry.
func only(t *testing.T, r *Registry) Sample {
	t.Helper()
	families, err := r.Gather(t.Context())
	if err != nil || len(families) != 1 || len(families[0].Samples) != 1 {
		t.Fatalf("%d families, error %v", len(families), err)
	}
	return families[0].Samples[0]
}

// In each life all observations are of one number, 1, 65, 129 and so on, and there
// are less than 64 of them. So a sum says how many there are, and whether they are
// of one life only.
func TestScrapesSeeResetsAsAWhole(t *testing.T) {
	const most = 20
	forAllResettable(t, func(t *testing.T, r *Registry, o resettable) {
		var done atomic.Bool
		var group sync.WaitGroup
		group.Go(func() {
			for life := 1.0; !done.Load(); life += 64 {
				for range most {
					o.Observe(life)
				}
				o.Reset()
				// The next one is at another time, however coarse the clock is.
				for last := o.Created(); !time.Now().After(last); {
				}
			}
		})
		defer group.Wait()
		defer done.Store(true)
		var last Sample
		for range 3000 {
			s := only(t, r)
			// The sum is read last: it may have some more.
			n := uint64(s.Sum) % 64
			if n > most || n < s.Count || n > 0 && math.Mod(s.Sum/float64(n), 64) != 1 {
				t.Fatalf("%d observations of the same number are %v", s.Count, s.Sum)
			}
			if q := s.Quantiles; len(q) > 0 && q[0].Value < q[1].Value {
				t.Fatalf("%d observations of the same number are %v", s.Count, q)
			}
			if s.Native != nil && len(s.Native.Positive) > 1 {
				t.Fatalf("observations of the same number are in the buckets %v", s.Native.Positive)
			}
			if same := s.Created.Equal(last.Created); s.Created.Before(last.Created) || same && (s.Count < last.Count || s.Sum < last.Sum) {
				t.Fatalf("%+v comes before %+v", last, s)
			}
			last = s
		}
	})
}

// What is observed while it is reset is there as a whole afterwards, or not at all.
func TestResetsTakeWholeObservations(t *testing.T) {
	forAllResettable(t, func(t *testing.T, r *Registry, o resettable) {
		for range 30 {
			together(func(g int) {
				for i := range 300 {
					switch {
					case g == 0 && i%10 == 0:
						o.Reset()
					case g%2 == 0:
						o.Observe(1)
					default:
						o.ObserveDuration(time.Second)
					}
				}
			})
			if s := only(t, r); s.Sum != float64(s.Count) || o.Sum() != s.Sum || o.Count() != s.Count {
				t.Fatalf("%d observations of 1 each are %v", s.Count, s.Sum)
			}
		}
	})
}

func TestNothingIsLostAfterAReset(t *testing.T) {
	forAllResettable(t, func(t *testing.T, r *Registry, o resettable) {
		for range 3 {
			before := time.Now()
			o.Reset()
			if s := only(t, r); s.Count != 0 || s.Sum != 0 || o.Count() != 0 || o.Sum() != 0 {
				t.Errorf("%d observations are left, with the sum %v", s.Count, s.Sum)
			}
			if created := o.Created(); created.Before(before.Round(0)) || !only(t, r).Created.Equal(created) {
				t.Errorf("reset at %v, and it counts since %v", before, created)
			}
			together(func(int) {
				for range 500 {
					o.Observe(1)
					o.ObserveDuration(2 * time.Second)
				}
			})
			if s := only(t, r); s.Count != 8000 || s.Sum != 12000 {
				t.Errorf("%d observations are %v, want 8000 and 12000", s.Count, s.Sum)
			}
		}
	})
}

// A reset must not make a busy metric slow until its goroutines have met again, nor
// a quiet one large.
func TestResetKeepsTheNumberOfStripes(t *testing.T) {
	in := In(NewRegistry())
	h, s := NewHistogram("h", "", in), NewSummary("s", "", in)
	h.Reset()
	s.Reset()
	if a, b := len(h.extras.stripes()), len(s.extras.stripes()); a != 1 || b != 1 {
		t.Errorf("%d and %d stripes, want 1", a, b)
	}
	spreadHistogram(h)
	spreadSummary(s)
	h.Reset()
	s.Reset()
	if a, b := len(h.extras.stripes()), len(s.extras.stripes()); a != 16 || b != 16 {
		t.Errorf("%d and %d stripes, want 16", a, b)
	}
}

// Who has begun to observe before a reset, or to keep an exemplar, goes on in what
// is forgotten.
func TestLateObservationsAreForgotten(t *testing.T) {
	in := In(NewRegistry())
	h, s := NewHistogram("h", "", in, Buckets(1)), NewSummary("s", "", in, Quantiles(1))
	h.ObserveWithExemplar(0.5, Label{"id", "old"})
	spreadHistogram(h)
	x, window := h.extras.Load(), s.window
	h.Reset()
	s.Reset()
	h.count(0).Add(1)
	h.sum.Store(1)
	h.nanos().Store(1)
	x.stripes[0].count(0).Add(1)
	x.stripes[0].sum.Store(1)
	x.exemplars.set([]Label{{"id", "late"}}, 1, 1)
	s.count.Store(1)
	s.sum.Store(1)
	s.nanos.Store(1)
	window.Add(7)
	if h.Count() != 0 || h.Sum() != 0 || s.Count() != 0 || s.Sum() != 0 || !math.IsNaN(s.Quantile(1)) {
		t.Errorf("counts %d and %d, sums %v and %v, maximum %v", h.Count(), s.Count(), h.Sum(), s.Sum(), s.Quantile(1))
	}
	if h.extras.exemplars() != nil {
		t.Error("the exemplar is still there")
	}
	s.Observe(3)
	if s.Quantile(1) != 3 {
		t.Errorf("the maximum is %v, want 3", s.Quantile(1))
	}
}

// An exemplar is of an observation that is counted. Only native buckets may be reset
// between an observation and its exemplar.
func TestExemplarsAreOfTheSameLife(t *testing.T) {
	for name, opts := range map[string][]HistogramOption{"classic": {Buckets(1)}, "native": {Buckets(1), Native{}}} {
		t.Run(name, func(t *testing.T) {
			r := NewRegistry()
			h := NewHistogram("h", "", append(opts, In(r))...)
			var done atomic.Bool
			var group sync.WaitGroup
			group.Go(func() {
				for !done.Load() {
					h.ObserveWithExemplar(0.5, Label{"id", "x"})
					if name == "native" {
						h.Reset()
					}
				}
			})
			if name == "classic" {
				group.Go(func() {
					for !done.Load() {
						h.Reset()
					}
				})
			}
			for range 5000 {
				if s := only(t, r); s.Count == 0 && len(s.Exemplars) > 0 {
					t.Errorf("nothing was observed, of which %v is an example", s.Exemplars)
					break
				}
			}
			done.Store(true)
			group.Wait()
		})
	}
}

func TestResetClearsTheExemplarsOfAllHistograms(t *testing.T) {
	for name, opts := range map[string][]HistogramOption{
		"classic": {Buckets(1)}, "native": {Buckets(1), Native{}}, "only native": {Native{Only: true}},
	} {
		r := NewRegistry()
		h := NewHistogram("h", "", append(opts, In(r))...)
		for range 2 {
			h.ObserveWithExemplar(0.5, Label{"id", "x"})
			if s := only(t, r); len(s.Exemplars) != 1 {
				t.Errorf("%s: exemplars %v, want one", name, s.Exemplars)
			}
			h.Reset()
			if s := only(t, r); len(s.Exemplars) != 0 {
				t.Errorf("%s: exemplars %v after Reset", name, s.Exemplars)
			}
		}
	}
}

// Who compares the times at which a metric began to count notices each reset, however
// coarse the clock is. In a bubble it stands still.
func TestEachLifeBeginsAtAnotherTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := In(NewRegistry())
		for name, m := range map[string]interface {
			Created() time.Time
			Reset()
		}{
			"counter":          NewCounter("c_total", "", in),
			"histogram":        NewHistogram("h", "", in),
			"native histogram": NewHistogram("n", "", in, Native{}),
			"summary":          NewSummary("s", "", in, Quantiles(1)),
			"zero counter":     new(Counter),
			"zero summary":     new(Summary),
		} {
			for range 4 {
				last := m.Created()
				if m.Reset(); !m.Created().After(last) || time.Until(m.Created()) > 4 {
					t.Errorf("%s: it counts since %v, was reset then, and counts since %v", name, last, m.Created())
				}
			}
			time.Sleep(time.Second)
			if m.Reset(); !m.Created().Equal(time.Now()) {
				t.Errorf("%s: reset at %v, and it counts since %v", name, time.Now(), m.Created())
			}
		}
	})
}

// Several reset it, others observe and so may add stripes, and one reads.
func TestManyResetsWhileOthersObserve(t *testing.T) {
	forAllResettable(t, func(t *testing.T, r *Registry, o resettable) {
		var done atomic.Bool
		var group sync.WaitGroup
		group.Go(func() {
			defer done.Store(true)
			together(func(g int) {
				for range 2000 {
					if g < 3 {
						o.Reset()
					} else {
						o.Observe(1)
					}
				}
			})
		})
		for last := (Sample{}); !done.Load(); {
			s := only(t, r)
			if s.Created.Before(last.Created) || s.Created.Equal(last.Created) && s.Count < last.Count || s.Sum < float64(s.Count) {
				t.Errorf("%+v comes before %+v", last, s)
				break
			}
			last = s
		}
		group.Wait()
		o.Reset()
		if o.Observe(1); o.Count() != 1 || o.Sum() != 1 {
			t.Errorf("%d observations of 1 are %v", o.Count(), o.Sum())
		}
	})
}

// There may be more processors later than there were when it was reset.
func TestStripesComeAfterAResetOnOneProcessor(t *testing.T) {
	needProcessors(t)
	in := In(NewRegistry())
	h, s := NewHistogram("h", "", in), NewSummary("s", "", in)
	withProcessors(1, func() {
		h.Reset()
		s.Reset()
	})
	var word atomic.Uint64
	withProcessors(4, func() {
		whileOthers(func() { word.Add(1) }, func() {
			for range 1 << 20 {
				h.extras.collided(&word, h.newStripe)
				s.extras.collided(&word, newSummaryStripe)
				if len(h.extras.stripes()) > 1 && len(s.extras.stripes()) > 1 {
					return
				}
			}
			t.Errorf("%d and %d stripes, although somebody is always there", len(h.extras.stripes()), len(s.extras.stripes()))
		})
	})
}

// Who kept what was deleted may reset it; what has its labels now is another one.
func TestResetOfWhatWasDeleted(t *testing.T) {
	r := NewRegistry()
	v := NewHistogramVec[string]("h", "", In(r), LabelNames("k"))
	kept := v.With("a")
	kept.Observe(1)
	v.Delete("a")
	v.With("a").Observe(2)
	kept.Reset()
	kept.Observe(3)
	if kept.Count() != 1 || kept.Sum() != 3 {
		t.Errorf("what was deleted has %d observations of %v in all, want 1 of 3", kept.Count(), kept.Sum())
	}
	if s := only(t, r); s.Count != 1 || s.Sum != 2 {
		t.Errorf("%d observations of %v in all are exposed, want 1 of 2", s.Count, s.Sum)
	}
}

package fennel_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
)

// writing is a sample that a collector writes.
type writing struct {
	labels [2]string
	value  float64
	time   time.Time
	shard  string // of another label that is constant; "" for none
}

// script is what a collector writes in one scrape.
type script []writing

// chaos makes scripts, each of which has something to do with the one before.
type chaos struct {
	*rand.Rand
	times, shards bool
	last          script
}

var oddValues = []string{"", "a", `quoted "value"`, `quoted \"value\"`, `back\slash`, `back\\slash`, "line\nfeed", "ä", "bad\xff", "bad\xfe", `\`, `"`, "bad\uFFFD"}

func (c *chaos) writing() writing {
	w := writing{labels: [2]string{fmt.Sprint(c.IntN(1000)), "plain"}}
	if c.IntN(8) == 0 {
		w.labels[c.IntN(2)] = oddValues[c.IntN(len(oddValues))]
	}
	if c.times && c.IntN(3) == 0 {
		w.time = time.Unix(int64(c.IntN(3)), 0)
	}
	if c.shards && c.IntN(2) == 0 {
		w.shard = fmt.Sprint(c.IntN(3))
	}
	return w
}

// next returns the script of the next scrape.
func (c *chaos) next() script {
	s := slices.Clone(c.last)
	switch n := 1 + c.IntN(1+len(s)); c.IntN(12) {
	case 0, 1, 2: // the same again
	case 3: // some go
		for range min(n, 6, len(s)) {
			i := c.IntN(len(s))
			s = slices.Delete(s, i, i+1)
		}
	case 4: // many go
		if len(s) > 0 {
			s = slices.Delete(s, 0, c.IntN(len(s)))
		}
	case 5: // some come
		for range 1 + c.IntN(5) {
			s = slices.Insert(s, c.IntN(len(s)+1), c.writing())
		}
	case 6: // many come
		for range c.IntN(200) {
			s = append(s, c.writing())
		}
	case 7:
		c.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
	case 8:
		slices.SortFunc(s, compareWritings)
	case 9: // some are there twice
		for range min(3, len(s)) {
			s = slices.Insert(s, c.IntN(len(s)), s[c.IntN(len(s))])
		}
	case 10: // two change places
		if len(s) > 1 {
			i := c.IntN(len(s) - 1)
			s[i], s[i+1] = s[i+1], s[i]
		}
	case 11: // none is left of what there was
		s = nil
		for range c.IntN(150) {
			s = append(s, c.writing())
		}
	}
	for i := range s {
		s[i].value = float64(c.IntN(1000))
	}
	c.last = s
	return s
}

func compareWritings(a, b writing) int {
	return cmp.Or(strings.Compare(a.shard, b.shard), strings.Compare(mended(a.labels[0]), mended(b.labels[0])),
		strings.Compare(mended(a.labels[1]), mended(b.labels[1])), a.time.Compare(b.time))
}

func mended(value string) string { return strings.ToValidUTF8(value, "\uFFFD") }

// want returns what is to be exposed of a script: the samples in order, of those
// that are alike the first.
func (s script) want() (lines []string, duplicates int) {
	sorted := slices.Clone(s)
	slices.SortStableFunc(sorted, compareWritings)
	served := slices.CompactFunc(slices.Clone(sorted), func(a, b writing) bool { return compareWritings(a, b) == 0 })
	for _, w := range served {
		lines = append(lines, fmt.Sprintf("%q %q %v %v", mended(w.labels[0]), mended(w.labels[1]), w.value, w.time.UnixNano()))
	}
	return lines, len(s) - len(served)
}

// Whatever a collector has written in scrapes before: what it writes is served in
// order, and each sample once.
func TestCollectorIsServedWhateverItWroteBefore(t *testing.T) {
	for seed := range uint64(20) {
		c := &chaos{Rand: rand.New(rand.NewPCG(seed, 1)), times: seed%4 == 1}
		r := fennel.NewRegistry()
		var now script
		register(t, r, func(w *fennel.Writer) error {
			g := w.Gauge("g", "", fennel.LabelNames("a", "b"))
			for _, s := range now {
				g.At(s.time).Write(s.value, s.labels[:]...)
			}
			return nil
		})
		for scrape := range 60 {
			now = c.next()
			want, duplicates := now.want()
			families, errs := gatherPartial(t, r)
			var got []string
			for _, f := range families {
				for _, s := range f.Samples {
					if f.Name == "g" {
						got = append(got, fmt.Sprintf("%q %q %v %v", s.Label("a"), s.Label("b"), s.Value, s.Time.UnixNano()))
					}
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, scrape %d:\ngot  %s\nwant %s", seed, scrape, got, want)
			}
			if (duplicates > 0) != (len(errs) == 1) || len(errs) == 1 && !strings.HasSuffix(errs[0].Error(), fmt.Sprintf(": %d", duplicates)) {
				t.Fatalf("seed %d, scrape %d: %d duplicates, errors %v", seed, scrape, duplicates, errs)
			}
		}
	}
}

// And so it is with all that samples have of every type: as if there had been no
// scrape before.
func TestCollectorOfEveryTypeIsServedAsIfForTheFirstTime(t *testing.T) {
	for seed := range uint64(12) {
		c := &chaos{Rand: rand.New(rand.NewPCG(seed, 2)), times: seed%2 == 1, shards: seed%3 == 1}
		var now script
		collect := func(w *fennel.Writer) error { return now.write(w) }
		r := fennel.NewRegistry(fennel.WithoutSelfMetrics())
		register(t, r, collect)
		for scrape := range 20 {
			now = c.next()
			fresh := fennel.NewRegistry(fennel.WithoutSelfMetrics())
			register(t, fresh, collect)
			got, errs := gatherPartial(t, r)
			want, wantErrs := gatherPartial(t, fresh)
			if fmt.Sprint(errs) != fmt.Sprint(wantErrs) {
				t.Fatalf("seed %d, scrape %d: errors %v, want %v", seed, scrape, errs, wantErrs)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, scrape %d:\ngot  %+v\nwant %+v", seed, scrape, got, want)
			}
		}
	}
}

// write writes samples of every type for each of the script's.
func (s script) write(w *fennel.Writer) error {
	for _, s := range s {
		opts := []fennel.WriterOption{fennel.LabelNames("a", "b")}
		if s.shard != "" {
			opts = append(opts, fennel.ConstLabels(fennel.Label{Name: "shard", Value: s.shard}))
		}
		n, labels, start := uint64(s.value), s.labels[:], time.Unix(1+int64(s.value), 0)
		exemplar := fennel.Exemplar{Labels: []fennel.Label{{Name: "trace_id", Value: fmt.Sprint(n)}}, Value: 1, Time: start}
		counter := w.Counter("c_total", "", opts...).At(s.time)
		if n%2 == 1 {
			counter = counter.Since(start).WithExemplar(exemplar)
		}
		counter.WriteUint(n, labels...)
		counter.Write(s.value+0.5, labels[0], "fraction")
		classic := fennel.HistogramValue{Counts: []uint64{n, 1, 2}, Sum: s.value}
		if n%3 == 1 {
			classic.Exemplars = []fennel.Exemplar{exemplar, {Labels: exemplar.Labels, Value: 100, Time: start}}
		}
		w.Histogram("h", "", []float64{1, 2}, opts...).At(s.time).Since(start).Write(classic, labels...)
		native := &fennel.NativeHistogram{Schema: 3, ZeroCount: n, Positive: make([]fennel.NativeBucket, n%4)}
		for i := range native.Positive {
			native.Positive[i] = fennel.NativeBucket{Index: i, Count: n}
		}
		w.GaugeHistogram("n", "", nil, opts...).At(s.time).Write(fennel.HistogramValue{Native: native, Sum: s.value}, labels...)
		w.Summary("s", "", []float64{.5, .9}, opts...).At(s.time).Write(fennel.SummaryValue{Count: n, Sum: s.value, Quantiles: []float64{s.value, 1}}, labels...)
		w.StateSet("p", "", []string{"x", "y", "z"}, opts...).At(s.time).Write([]string{"x", "y", "z"}[:n%4], labels...)
		w.Info("i_info", "", opts...).At(s.time).Write(labels...)
	}
	return nil
}

// A series of the same family that only a constant label tells apart is never taken
// for another, even where all lengths are the same.
func TestCollectorTellsConstantLabelsApart(t *testing.T) {
	shards := func(all ...string) func(*fennel.Writer) error {
		return func(w *fennel.Writer) error {
			w.Gauge("g", "", fennel.LabelNames("k"), fennel.ConstLabels(label("shard", "2")))
			for _, shard := range all {
				g := w.Gauge("g", "", fennel.LabelNames("k"), fennel.ConstLabels(label("shard", shard)))
				for k := range 200 {
					g.Write(float64(k), fmt.Sprint(k))
				}
			}
			return nil
		}
	}
	for _, scripts := range [][][]string{
		{{"2"}, {"1", "2"}, {"2"}, {"2", "1"}, {"2"}, {"2"}},
		{{"2", "1"}, {"2"}, {"1"}, {"1", "2"}},
	} {
		r := fennel.NewRegistry()
		var now []string
		register(t, r, func(w *fennel.Writer) error { return shards(now...)(w) })
		for scrape, script := range scripts {
			now = script
			got := make(map[string]int)
			for _, s := range family(t, gather(t, r), "g").Samples {
				got[s.Label("shard")]++
			}
			for _, shard := range []string{"1", "2"} {
				want := 0
				if slices.Contains(script, shard) {
					want = 200
				}
				if got[shard] != want {
					t.Errorf("scrape %d, which writes shards %s: %d series of shard %s", scrape, script, got[shard], shard)
				}
			}
		}
	}
}

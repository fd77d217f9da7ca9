package fennel

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// scrapes adds label sets to a roster, scrape by scrape.
type scrapes struct {
	roster
	layout series.Layout
}

func newScrapes() *scrapes {
	return &scrapes{layout: series.NewLayout(nil, []string{"a", "b"})}
}

// scrape adds all, and returns how many were not expected and how many had to be
// rendered.
func (s *scrapes) scrape(all [][]string) (misses, rendered int) {
	s.wipe()
	for _, values := range all {
		s.add(&s.layout, values)
	}
	s.settle(new(sample.Batch))
	return s.misses, len(s.owners)
}

func labelSets(n int, format string) [][]string {
	all := make([][]string, n)
	for i := range all {
		all[i] = []string{fmt.Sprintf(format, i), "plain"}
	}
	return all
}

func TestRosterExpectsWhatWasWritten(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, all := range map[string][][]string{
		"plain":   labelSets(1000, "%04d"),
		"escaped": labelSets(1000, `"%04d"`),
	} {
		t.Run(name, func(t *testing.T) {
			s, all := newScrapes(), slices.Clone(all)
			want := func(what string, misses, rendered int) {
				t.Helper()
				if m, r := s.scrape(all); m > misses || r > rendered {
					t.Errorf("%s: %d were not expected and %d rendered, want at most %d and %d", what, m, r, misses, rendered)
				}
			}
			shuffle := func() { random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] }) }
			want("first", 1000, 1000)
			want("same", 0, 0)
			shuffle()
			want("another order", 1000, 0)
			want("the same other order", 0, 0)
			all = slices.Delete(all, 500, 503)
			want("three gone", 1, 0)
			want("still gone", 0, 0)
			gone := slices.Clone(all[100:300])
			all = slices.Delete(all, 100, 300)
			want("many gone in the middle", 250, unindexed)
			want("still gone", 0, 0)
			all = slices.Insert(all, 50, gone...)
			want("many new in the middle", 250, 200)
			want("still there", 0, 0)
			all = append(all, all[7])
			want("one twice", 1, 1)
			want("still twice", len(all), unindexed+1)
			all = all[:len(all)-1]
			want("not any more", len(all), unindexed)
			want("still so", 0, 0)
			shuffle()
			want("random", len(all), 0)
			shuffle()
			want("random again", len(all), 0)
			shuffle()
			all = append(all, []string{"new", ""})
			want("random with a new one", len(all), unindexed+1)
		})
	}
}

// Texts of another layout are not compared with those of the first. When they are
// gone, it is as before.
func TestRosterForgetsStrangers(t *testing.T) {
	s, all := newScrapes(), labelSets(1000, "%d")
	s.scrape(all)
	s.wipe()
	other := series.NewLayout([]string{"c", "x"}, []string{"a", "b"})
	for _, values := range all {
		s.add(&s.layout, values)
		s.strange = true
		s.add(&other, values)
	}
	if _, dropped := s.settle(new(sample.Batch)); dropped != 0 || s.known.len() != 2000 {
		t.Errorf("%d texts, %d dropped", s.known.len(), dropped)
	}
	for i, want := range []int{1000, 0} {
		if misses, _ := s.scrape(all); misses != want {
			t.Errorf("scrape %d after that: %d were not expected, want %d", i, misses, want)
		}
	}
}

func TestSlateForgetsWhatWasLarge(t *testing.T) {
	r := NewRegistry()
	n := 100_000
	if err := r.Register(CollectorFunc(func(_ context.Context, w *Writer) error {
		to := w.Gauge("g", "", LabelNames("k"))
		for i := range n {
			to.Write(1, fmt.Sprint(i))
		}
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	kept := func() int {
		if _, err := r.Gather(t.Context()); err != nil {
			t.Fatal(err)
		}
		return load(&r.sources)[0].kept.Load().families["g"].kept
	}
	large := kept()
	n = 10
	if kept(); large < 1<<20 || kept() > minKept {
		t.Errorf("%d bytes are kept after a scrape of %d samples, %d before", kept(), n, large)
	}
}

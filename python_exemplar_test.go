package fennel_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
)

// exemplar returns the labels of a step's exemplar.
func (s *pythonStep) exemplar() (labels []fennel.Label) {
	for _, l := range s.Exemplar {
		labels = append(labels, label(l[0], l[1]))
	}
	return labels
}

// checkExemplars compares what is gathered of exemplars with what OpenMetrics has
// of them, where a vector is about exemplars.
func (v *pythonVector) checkExemplars(t *testing.T, r *fennel.Registry) {
	if !slices.ContainsFunc(v.Steps, func(s pythonStep) bool { return s.Exemplar != nil }) {
		return
	}
	var got, want []string
	for _, f := range gather(t, r) {
		for _, s := range f.Samples {
			for _, e := range s.Exemplars {
				labels := make(map[string]string)
				for _, l := range e.Labels {
					labels[l.Name] = l.Value
				}
				got = append(got, fmt.Sprintf("%q %s %v", labels, canonical(e.Value), e.Time.Sub(time.Unix(0, 0))))
			}
		}
	}
	body, overridden := pythonOverrides[v.ID].want[atEnd]
	if !overridden {
		body = v.Expect.pythonBody
	}
	for line := range strings.Lines(body.OpenMetrics) {
		_, note, ok := strings.Cut(strings.TrimSpace(line), " # ")
		if !ok {
			continue
		}
		var c checker
		labels := make(map[string]string)
		_, rest, err := c.labels("exemplar", note[1:], labels)
		value, at, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if err != nil {
			t.Fatalf("exemplar %q: %v", note, err)
		}
		want = append(want, fmt.Sprintf("%q %s %v", labels, canonical(number(t, value)), seconds(t, at)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("exemplars %s\n     want %s", got, want)
	}
}

package names

import (
	"strings"
	"testing"
)

func TestLegal(t *testing.T) {
	tests := []struct {
		name          string
		metric, label bool
	}{
		{"a", true, true},
		{"Z", true, true},
		{"_", true, true},
		{"__", true, true},
		{"__name__", true, true},
		{"http_requests_total", true, true},
		{"a1", true, true},
		{"U__a_2e_b", true, true},
		{strings.Repeat("x", 1000), true, true},

		{":", true, false},
		{"a:b", true, false},
		{"job:x:rate5m", true, false},

		{"", false, false},
		{"0", false, false},
		{"9lives", false, false},
		{"a.b", false, false},
		{"a-b", false, false},
		{"a b", false, false},
		{" a", false, false},
		{"a ", false, false},
		{"a\n", false, false}, // a regexp ending in $ lets this one pass
		{"\na", false, false},
		{"a\r\n", false, false},
		{"a\x00", false, false},
		{`a"b`, false, false},
		{`a\b`, false, false},
		{"é", false, false},
		{"aé", false, false},
		{"a\u0661", false, false}, // a digit, but not one of ours
		{"\uff41", false, false},  // a fullwidth a
		{"a\xff", false, false},
		{"a@b", false, false}, // the neighbours of the legal ranges
		{"a[b", false, false},
		{"a`b", false, false},
		{"a{b", false, false},
		{"a/b", false, false},
		{"a;b", false, false},
	}
	for _, tt := range tests {
		if got := LegalMetric(tt.name); got != tt.metric {
			t.Errorf("LegalMetric(%q) = %v, want %v", tt.name, got, tt.metric)
		}
		if got := LegalLabel(tt.name); got != tt.label {
			t.Errorf("LegalLabel(%q) = %v, want %v", tt.name, got, tt.label)
		}
	}
}

func TestLegalNamesDoNotAllocate(t *testing.T) {
	const name = "http_request_duration_seconds_bucket"
	allocs := testing.AllocsPerRun(100, func() {
		for s := Underscores; s <= Values; s++ {
			if s.Metric(name) != name || s.Label(name) != name {
				t.Fatal("a legal name was changed")
			}
		}
	})
	if allocs != 0 {
		t.Errorf("escaping a legal name: %v allocations, want 0", allocs)
	}
}

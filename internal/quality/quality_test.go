package quality

import "testing"

func TestParse(t *testing.T) {
	for s, want := range map[string]Value{
		"1":                Most,
		"1.":               Most,
		"1.000":            Most,
		"1.0000000000000":  Most,
		"0.7":              Least + 0.7*one,
		"0.125":            Least + 0.125*one,
		"0.123456789":      Least + 123456789,
		"0.1234567899":     Least + 123456789,
		".2":               Least + 0.2*one,
		"0":                Refused,
		"0.":               Refused,
		"0.000":            Refused,
		"0.00000000000000": Refused,
		".0":               Refused,
		"0.00000000000001": Least,
		"1.001":            Least,
		"1.0000000000001":  Most, // who counts so exactly may have it
		"2":                Least,
		"01":               Least,
		"-1":               Least,
		"+0.5":             Least,
		"":                 Least,
		".":                Least,
		"0.5.5":            Least,
		"0,5":              Least,
		"0.5 ":             Least,
		"1e-1":             Least,
		"NaN":              Least,
		"\x80":             Least,
	} {
		if got := Parse(s); got != want {
			t.Errorf("Parse(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestWantedOrder(t *testing.T) {
	rising := []Value{Unstated, Parse("0"), Parse("2"), Parse("0.001"), Parse("0.002"), Parse("0.999"), Parse("1")}
	for i := range rising[1:] {
		if rising[i] >= rising[i+1] {
			t.Errorf("%d: %d isn't less than %d", i, rising[i], rising[i+1])
		}
	}
}

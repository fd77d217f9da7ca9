package fennel_test

import (
	"math"
	"testing"

	"github.com/fennelmetrics/fennel"
)

const denormal = 5e-324 // the smallest float64 above 0

func TestCounterSerial(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(c *fennel.Counter)
		want float64
		text string
	}{
		{"untouched", func(*fennel.Counter) {}, 0, "0"},
		{"one", (*fennel.Counter).Inc, 1, "1"},
		{"whole numbers", func(c *fennel.Counter) { c.Inc(); c.Add(2); c.AddUint(3) }, 6, "6"},
		{"fractions", func(c *fennel.Counter) { c.Add(0.5); c.Add(0.25) }, 0.75, "0.75"},
		{"both", func(c *fennel.Counter) { c.Add(1.5); c.Inc(); c.AddUint(40) }, 42.5, "42.5"},
		{"fractions that are whole in sum", func(c *fennel.Counter) { c.Add(0.5); c.Add(1.5) }, 2, "2"},
		{"zeros", func(c *fennel.Counter) { c.Add(0); c.Add(math.Copysign(0, -1)); c.AddUint(0) }, 0, "0"},
		{"2^53-1", func(c *fennel.Counter) { c.Add(1<<53 - 1) }, 1<<53 - 1, "9007199254740991"},
		{"2^53+1", func(c *fennel.Counter) { c.Add(1 << 53); c.Inc() }, 1 << 53, "9007199254740993"},
		{"2^63-1", func(c *fennel.Counter) { c.AddUint(math.MaxInt64) }, 1 << 63, "9223372036854775807"},
		{"2^63", func(c *fennel.Counter) { c.AddUint(1 << 63) }, 1 << 63, "9223372036854775808"},
		{"2^63 as a float", func(c *fennel.Counter) { c.Add(1 << 63) }, 1 << 63, "9223372036854775808"},
		{"2^64-1", func(c *fennel.Counter) { c.AddUint(math.MaxUint64) }, 1 << 64, "18446744073709551615"},
		{"2^64 by Inc", func(c *fennel.Counter) { c.AddUint(math.MaxUint64); c.Inc() }, 1 << 64, ""},
		{"2^64 by AddUint", func(c *fennel.Counter) { c.AddUint(1 << 63); c.AddUint(1 << 63) }, 1 << 64, ""},
		{"2^65 by AddUint", func(c *fennel.Counter) { addUints(c, 4, 1<<63) }, 1 << 65, ""},
		{"2^64+1.5", func(c *fennel.Counter) { c.AddUint(math.MaxUint64); c.Add(2.5) }, 1 << 64, ""},
		{"1.8e19 twice", func(c *fennel.Counter) { c.Add(1.8e19); c.Add(1.8e19) }, 3.6e19, "3.6e+19"},
		{"denormal", func(c *fennel.Counter) { c.Add(denormal); c.Add(denormal) }, 2 * denormal, "1e-323"},
		{"denormal beside a whole number", func(c *fennel.Counter) { c.Add(denormal); c.Inc() }, 1, "1"},
		{"largest", func(c *fennel.Counter) { c.Add(math.MaxFloat64) }, math.MaxFloat64, "1.7976931348623157e+308"},
		{"reset", func(c *fennel.Counter) { c.Add(1.5); c.Inc(); c.Reset() }, 0, "0"},
		{"reset and on", func(c *fennel.Counter) { c.Add(1.5); c.Reset(); c.Inc() }, 1, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := fennel.NewRegistry()
			counter := fennel.NewCounter("c_total", "", fennel.In(r))
			c.do(counter)
			if got := counter.Value(); got != c.want {
				t.Errorf("Value() = %v, want %v", got, c.want)
			}
			if got := gather(t, r)[0].Samples[0].Value; got != c.want {
				t.Errorf("gathered %v, want %v", got, c.want)
			}
			if c.text != "" {
				wantSamples(t, r, "c_total "+c.text)
			}
		})
	}
}

func addUints(c *fennel.Counter, times int, n uint64) {
	for range times {
		c.AddUint(n)
	}
}

func TestCounterDropsWhatItCannotTake(t *testing.T) {
	for _, c := range []struct {
		v      float64
		reason string
	}{
		{-1, "negative"},
		{-denormal, "negative"},
		{math.Inf(-1), "negative"},
		{math.Inf(1), "infinite"},
		{math.NaN(), "nan"},
	} {
		r := fennel.NewRegistry()
		counter := fennel.NewCounter("c_total", "", fennel.In(r))
		counter.Add(2)
		counter.Add(c.v)
		counter.Add(c.v)
		if got := counter.Value(); got != 2 {
			t.Errorf("after Add(%v): %v, want 2", c.v, got)
		}
		wantDropped(t, r, "c_total", c.reason, 2)
	}
}

func TestCounterDropsAreCountedForTheMetricOfAVec(t *testing.T) {
	r := fennel.NewRegistry()
	vec := fennel.NewCounterVec[string]("v_total", "", fennel.In(r), fennel.LabelNames("k"))
	vec.With("a").Add(-1)
	vec.With("b").Add(-1)
	wantDropped(t, r, "v_total", "negative", 2)
	wantSamples(t, r, `v_total{k="a"} 0`, `v_total{k="b"} 0`)
}

func TestCounterConcurrent(t *testing.T) {
	const each = 5000
	r := fennel.NewRegistry()
	counter := fennel.NewCounter("c_total", "", fennel.In(r))
	concurrently(func(int) {
		for range each {
			counter.Inc()
			counter.Add(2)
			counter.AddUint(3)
			counter.Add(0.5)
			counter.Add(-1)
		}
	})
	if got, want := counter.Value(), 6.5*workers*each; got != want {
		t.Errorf("Value() = %v, want %v", got, want)
	}
	wantDropped(t, r, "c_total", "negative", workers*each)
}

func TestCounterCarriesConcurrently(t *testing.T) {
	const each = 1000
	r := fennel.NewRegistry()
	counter := fennel.NewCounter("c_total", "", fennel.In(r))
	concurrently(func(int) { addUints(counter, each, 1<<62) })
	if got, want := counter.Value(), workers*each*float64(1<<62); got != want {
		t.Errorf("Value() = %v, want %v", got, want)
	}
}

// A counter that is not reset only rises, for whoever reads it.
func TestCounterRisesForConcurrentReaders(t *testing.T) {
	r := fennel.NewRegistry()
	counter := fennel.NewCounter("c_total", "", fennel.In(r))
	concurrently(func(worker int) {
		last := 0.0
		for range 2000 {
			if worker%2 == 0 {
				counter.Add(0.5)
				counter.Inc()
				continue
			}
			v := counter.Value()
			if v < last {
				t.Errorf("fell from %v to %v", last, v)
			}
			last = v
		}
	})
}

func TestNilCounterDoesNothing(t *testing.T) {
	var c *fennel.Counter
	c.Inc()
	c.Add(1)
	c.Add(math.NaN())
	c.AddUint(1)
	c.Reset()
	if c.Value() != 0 {
		t.Error("a nil counter has a value")
	}
}

func TestZeroCounterCountsWithoutBeingExposed(t *testing.T) {
	var c fennel.Counter
	c.Inc()
	c.Add(1.5)
	c.Add(-1)
	c.Add(math.NaN())
	if got := c.Value(); got != 2.5 {
		t.Errorf("Value() = %v, want 2.5", got)
	}
}

// What a number comes to must not depend on where its conversion to an integer ends.
func TestCounterAddsNumbersOfAnySize(t *testing.T) {
	const largest = 1 << 53 // up to here a float64 has every integer
	for _, v := range []float64{
		0, math.Copysign(0, -1), math.SmallestNonzeroFloat64, 0.5, 1, 1.5, largest - 1, largest - 0.5, largest/2 + 0.5, largest, largest + 2,
		math.Nextafter(1<<63, 0), 1 << 63, math.Nextafter(1<<63, math.Inf(1)),
		math.Nextafter(1<<64, 0), 1 << 64, math.Nextafter(1<<64, math.Inf(1)), math.MaxFloat64,
	} {
		r := fennel.NewRegistry()
		c := fennel.NewCounter("c_total", "", fennel.In(r))
		c.Add(v)
		if got := c.Value(); got != v {
			t.Errorf("after %v was added it is %v", v, got)
		}
		if n := len(gather(t, r)); n != 1 { // or fennel_dropped_updates_total is there, too
			t.Errorf("%v is dropped", v)
		}
		if c.Add(v); v < math.MaxFloat64 && c.Value() != 2*v {
			t.Errorf("after %v was added twice it is %v", v, c.Value())
		}
	}
}

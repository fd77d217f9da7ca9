package sample

import (
	"slices"
	"sync"
	"testing"
)

// family returns a family of a kind, with two buckets, quantiles or states.
func family(k Kind) *Family {
	f := &Family{Name: "x", Kind: k, Labels: []string{"a"}, Legal: true}
	switch k {
	case Histogram, GaugeHistogram:
		f.Bounds = []float64{1}
	case Summary:
		f.Ranks = []float64{0.5, 0.9}
	case StateSet:
		f.States = []string{"on", "off"}
	}
	return f
}

// add appends sample n to a batch.
func add(f *Family, b *Batch, label string, n int, time int64) {
	b.SetTime(time)
	b.Text = append(b.Text, `a="`+label+`"`...)
	b.Ends = append(b.Ends, uint32(len(b.Text)))
	v := float64(n)
	switch f.Kind {
	case Counter:
		b.Whole, b.Values = append(b.Whole, uint64(n)), append(b.Values, v/2)
	case Gauge, Unknown:
		b.Values = append(b.Values, v)
	case Histogram, GaugeHistogram:
		b.Counts, b.Sums = append(b.Counts, uint64(n), uint64(n+1)), append(b.Sums, v)
	case Summary:
		b.Counts, b.Sums = append(b.Counts, uint64(n)), append(b.Sums, v)
		b.Values = append(b.Values, v, v+1)
	case StateSet:
		b.States = append(b.States, uint64(n))
	}
}

// has checks that sample i is what add made of these arguments.
func has(t *testing.T, f *Family, b *Batch, i int, label string, n int, time int64) {
	t.Helper()
	v := float64(n)
	ok := string(b.Labels(i)) == `a="`+label+`"` && b.Time(i) == time
	switch f.Kind {
	case Counter:
		ok = ok && b.Whole[i] == uint64(n) && b.Values[i] == v/2
	case Gauge, Unknown:
		ok = ok && b.Values[i] == v
	case Histogram, GaugeHistogram:
		ok = ok && slices.Equal(b.Buckets(f, i), []uint64{uint64(n), uint64(n + 1)}) && b.Sums[i] == v
	case Summary:
		ok = ok && b.Counts[i] == uint64(n) && b.Sums[i] == v && slices.Equal(b.Quantiles(f, i), []float64{v, v + 1})
	case StateSet:
		ok = ok && b.States[i] == uint64(n)
	}
	if !ok {
		t.Errorf("%v: sample %d is not %s %d at %d: %+v", f.Kind, i, label, n, time, b)
	}
}

func kinds(yield func(Kind) bool) {
	for k := range Kind(NumKinds) {
		if !yield(k) {
			return
		}
	}
}

func TestKindString(t *testing.T) {
	want := []string{"unknown", "counter", "gauge", "histogram", "summary", "info", "stateset", "gaugehistogram"}
	for k := range kinds {
		if k.String() != want[k] {
			t.Errorf("kind %d is %q, want %q", k, k, want[k])
		}
	}
	if len(want) != NumKinds || Kind(NumKinds).String() != "unknown" || Kind(255).String() != "unknown" {
		t.Error("a kind out of range is not unknown")
	}
}

func TestSelect(t *testing.T) {
	for k := range kinds {
		f := family(k)
		var b Batch
		for n := range 5 {
			add(f, &b, string(rune('a'+n)), n, NoTime)
		}
		got := b.Select(f, []int{4, 0, 2, 2})
		if got.Len() != 4 || got.Times != nil {
			t.Fatalf("%v: %+v", k, got)
		}
		for i, n := range []int{4, 0, 2, 2} {
			has(t, f, got, i, string(rune('a'+n)), n, NoTime)
		}
		if none := b.Select(f, nil); none.Len() != 0 {
			t.Errorf("%v: nothing selected gives %+v", k, none)
		}
	}
}

// A batch may begin in the middle of a text.
func TestSelectFromTheMiddleOfAText(t *testing.T) {
	f := family(Gauge)
	b := Batch{Text: []byte(`skipped a="1"a="2"`), Start: 8, Ends: []uint32{13, 18}, Values: []float64{1, 2}}
	has(t, f, &b, 0, "1", 1, NoTime)
	got := b.Select(f, []int{1, 0})
	has(t, f, got, 0, "2", 2, NoTime)
	has(t, f, got, 1, "1", 1, NoTime)
}

func TestAppendKeepsTimes(t *testing.T) {
	for k := range kinds {
		for _, times := range [][]int64{
			{NoTime, NoTime, NoTime, NoTime}, {1, NoTime, NoTime, NoTime}, {NoTime, 1, NoTime, NoTime},
			{NoTime, NoTime, 1, NoTime}, {NoTime, NoTime, NoTime, 1}, {0, 0, 0, 0}, {NoTime, 5, 6, NoTime},
		} {
			f := family(k)
			var a, b Batch
			add(f, &a, "a", 0, times[0])
			add(f, &a, "b", 1, times[1])
			add(f, &b, "c", 2, times[2])
			add(f, &b, "d", 3, times[3])
			a.Append(f, &b)
			if a.Len() != 4 {
				t.Fatalf("%v: %d samples", k, a.Len())
			}
			for n := range 4 {
				has(t, f, &a, n, string(rune('a'+n)), n, times[n])
			}
			has(t, f, &b, 0, "c", 2, times[2])
		}
	}
}

func TestResetEmptiesABatch(t *testing.T) {
	for k := range kinds {
		f := family(k)
		var b Batch
		add(f, &b, "a", 1, 7)
		add(f, &b, "b", 2, NoTime)
		text := b.Text
		b.Reset()
		if b.Len() != 0 || b.Times != nil || b.Text != nil {
			t.Errorf("%v: after Reset: %+v", k, b)
		}
		b.Text = []byte{}
		add(f, &b, "c", 3, NoTime)
		has(t, f, &b, 0, "c", 3, NoTime)
		if string(text) != `a="a"a="b"` {
			t.Errorf("%v: Reset let the old text be written over: %s", k, text)
		}
	}
}

func set(names ...string) map[string]bool {
	s := make(map[string]bool)
	for _, n := range names {
		s[n] = true
	}
	return s
}

func TestRequest(t *testing.T) {
	var all *Request
	if !all.Wants("x") || !all.Wants() || !(&Request{}).Wants("x") {
		t.Error("a request without names doesn't ask for all")
	}
	a := all.And(set("a", "b"))
	tests := []struct {
		what    string
		request *Request
		names   []string
		want    bool
	}{
		{"a or b", a, []string{"a"}, true},
		{"a or b", a, []string{"x", "b"}, true},
		{"a or b", a, []string{"x"}, false},
		{"a or b", a, nil, false},
		{"nothing", all.And(set()), []string{"a"}, false},
		{"nothing", all.And(nil), []string{"a"}, false},
		{"a or b, and b or c", a.And(set("b", "c")), []string{"b"}, true},
		{"a or b, and b or c", a.And(set("b", "c")), []string{"a"}, false},
		{"a or b, and b or c", a.And(set("b", "c")), []string{"c"}, false},
		{"a or b, and b or c", a.And(set("b", "c")), []string{"a", "c"}, true}, // by one name each
		{"a or b, and nothing", a.And(set()), []string{"a"}, false},
	}
	for _, tt := range tests {
		if got := tt.request.Wants(tt.names...); got != tt.want {
			t.Errorf("%s: wants %q: %v", tt.what, tt.names, got)
		}
	}
}

// Requests that are made from one another share nothing.
func TestRequestAndLeavesItsOriginAlone(t *testing.T) {
	base := (*Request)(nil).And(set("a", "b", "c")).And(set("a", "b", "c"))
	first, second := base.And(set("a")), base.And(set("b"))
	if !first.Wants("a") || first.Wants("b") || !second.Wants("b") || second.Wants("a") || !base.Wants("c") {
		t.Error("one request has changed another")
	}
}

func TestEachFormatKeepsItsOwn(t *testing.T) {
	var f Family
	for format := range MaxFormats {
		if got := f.Prepared(format); got != nil {
			t.Errorf("format %d: %v before it was prepared", format, got)
		}
	}
	for format := range MaxFormats {
		f.Prepare(format, format)
	}
	for format := range MaxFormats {
		if got := f.Prepared(format); got != format {
			t.Errorf("format %d: got %v", format, got)
		}
		if n := testing.AllocsPerRun(10, func() { f.Prepared(format) }); n != 0 {
			t.Errorf("Prepared allocates %v times, want 0", n)
		}
	}
}

func TestManyPrepareAtOnce(t *testing.T) {
	var f Family
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				f.Prepare(3, "x")
				if got := f.Prepared(3); got != "x" {
					t.Errorf("got %v", got)
				}
			}
		})
	}
	wg.Wait()
}

// TestTakeKeepsWhatFewSamplesHave checks the columns that are there only where
// some sample needs them.
func TestTakeKeepsWhatFewSamplesHave(t *testing.T) {
	f := family(Histogram)
	var a, b Batch
	add(f, &a, "plain", 1, NoTime)
	b.SetCreated(42)
	native := b.AddNative()
	native.Schema, native.ZeroCount = 3, 7
	native.Positive = append(native.Positive, NativeBucket{-2, 3}, NativeBucket{5, 1})
	native.Negative = append(native.Negative, NativeBucket{1, 9})
	b.Notes = append(b.Notes, `trace_id="x"`...)
	b.AddExemplar(0, 1, 0, 1.5, 99)
	b.AddExemplar(0, NoBucket, 0, 2.5, 100)
	add(f, &b, "rich", 2, NoTime)

	a.Append(f, &b)
	b.Reset() // a has copies
	b.AddNative().Positive = append(b.Natives[0].Positive, NativeBucket{100, 100})
	if a.CreatedAt(0) != NoTime || a.CreatedAt(1) != 42 {
		t.Errorf("created at %d and %d, want no time and 42", a.CreatedAt(0), a.CreatedAt(1))
	}
	if a.Native(0) != nil || a.Native(1) == nil {
		t.Fatalf("native parts: %v and %v", a.Native(0), a.Native(1))
	}
	if n := a.Native(1); n.Schema != 3 || n.Total() != 7+3+1+9 || !slices.Equal(n.Positive, []NativeBucket{{-2, 3}, {5, 1}}) {
		t.Errorf("native part: %+v", n)
	}
	if len(a.ExemplarsOf(0)) != 0 || len(a.ExemplarsOf(1)) != 2 {
		t.Fatalf("exemplars: %v", a.Exemplars)
	}
	e := a.ExemplarsOf(1)[0]
	if string(a.Note(&e)) != `trace_id="x"` || e.Bucket != 1 || e.Value != 1.5 || e.Time != 99 {
		t.Errorf("exemplar %s: %+v", a.Note(&e), e)
	}
	has(t, f, &a, 0, "plain", 1, NoTime)
	has(t, f, &a, 1, "rich", 2, NoTime)

	// And the other way round: one that has nothing behind one that has.
	reversed := a.Select(f, []int{1, 0})
	if reversed.Native(0) == nil || reversed.Native(1) != nil || reversed.CreatedAt(0) != 42 || reversed.CreatedAt(1) != NoTime ||
		len(reversed.ExemplarsOf(0)) != 2 || len(reversed.ExemplarsOf(1)) != 0 {
		t.Errorf("reversed: %+v", reversed)
	}
}

func TestNamesOfKinds(t *testing.T) {
	for _, test := range []struct {
		kind    Kind
		name    string
		base    string
		samples []string
	}{
		{Unknown, "a_total", "a_total", []string{"a_total"}},
		{Counter, "a_total", "a", []string{"a_total"}},
		{Counter, "a", "a", []string{"a"}},
		{Gauge, "a_info", "a_info", []string{"a_info"}},
		{Info, "a_info", "a", []string{"a_info"}},
		{Histogram, "a_total", "a_total", []string{"a_total", "a_total_bucket", "a_total_count", "a_total_sum"}},
		{Summary, "a", "a", []string{"a", "a_count", "a_sum"}},
		{StateSet, "a", "a", []string{"a"}},
		{GaugeHistogram, "a", "a", []string{"a", "a_bucket", "a_gcount", "a_gsum", "a_count", "a_sum"}},
	} {
		if got := test.kind.Base(test.name); got != test.base {
			t.Errorf("the base of the %v %s is %s, want %s", test.kind, test.name, got, test.base)
		}
		if got := test.kind.SampleNames(test.name); !slices.Equal(got, test.samples) {
			t.Errorf("the samples of the %v %s are %q, want %q", test.kind, test.name, got, test.samples)
		}
	}
}

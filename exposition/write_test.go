package exposition

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// counters returns a registry with n counters.
func counters(n int) *fennel.Registry {
	r := fennel.NewRegistry()
	v := fennel.NewCounterVec[[2]string]("http_requests_total", "h", fennel.In(r), fennel.LabelNames("method", "path"))
	for i := range n {
		v.With([2]string{"GET", "/users/" + strconv.Itoa(i)}).AddUint(uint64(i))
	}
	return r
}

// limited takes so many bytes and then fails. It notes what happens after.
type limited struct {
	left  int
	got   []byte
	err   error
	short bool // without an error, against the rules
	after int  // writes after the failure
}

func (w *limited) Write(p []byte) (int, error) {
	if w.left < 0 {
		w.after++
		return 0, w.err
	}
	n := min(w.left, len(p))
	w.got = append(w.got, p[:n]...)
	if n < len(p) {
		w.left = -1
		if w.short {
			return n, nil
		}
		return n, w.err
	}
	w.left -= n
	return n, nil
}

var errFull = errors.New("disk full")

func TestWriterErrorEndsTheBody(t *testing.T) {
	registries := map[string]*fennel.Registry{"small": everything(), "large": counters(5000)}
	failing := counters(5000)
	failing.MustRegister(fennel.CollectorFunc(func(context.Context, *fennel.Writer) error { return errors.New("collector failed") }))
	registries["with a failing collector"] = failing
	for name, r := range registries {
		for _, f := range []Format{{}, {Syntax: Text100, Escaping: AllowUTF8}, {Syntax: OpenMetrics100, Escaping: EscapeValues}, {Syntax: Protobuf}, {Syntax: OpenMetrics200}} {
			whole, err := Bytes(t.Context(), r, f)
			if err != nil && !fennel.Partial(err) {
				t.Fatal(err)
			}
			if name == "with a failing collector" {
				whole, _ = Bytes(t.Context(), r, f) // the counted error has one more digit at most
			}
			for _, left := range []int{0, 1, 100, pieceSize - 1, pieceSize, pieceSize + 1, len(whole) / 2, len(whole) - 7, len(whole) - 1} {
				if left >= len(whole) {
					continue
				}
				w := &limited{left: left, err: errFull}
				err := Write(t.Context(), w, r, f)
				if !errors.Is(err, errFull) || fennel.Partial(err) {
					t.Errorf("%s, %v, %d bytes: error %v, want the writer's", name, f, left, err)
				}
				if w.after > 0 {
					t.Errorf("%s, %v, %d bytes: %d writes after the error", name, f, left, w.after)
				}
				if bytes.Contains(w.got, []byte("# EOF\n")) {
					t.Errorf("%s, %v, %d bytes: # EOF in a body that was cut short", name, f, left)
				}
			}
		}
	}
}

// A body that a writer ended is never passed off as one in which only a
// collector's part is missing, whatever the writer's error says.
func TestWriterErrorIsNeverPartial(t *testing.T) {
	r := counters(5000)
	w := &limited{left: 10, err: &fennel.GatherError{Errors: []error{errFull}}}
	err := Write(t.Context(), w, r, om100)
	if w.after > 0 {
		t.Errorf("%d writes after the error, # EOF among them", w.after)
	}
	if !errors.Is(err, errFull) {
		t.Errorf("error %v, want the writer's", err)
	}
}

// deaf is a gatherer that goes on whatever the visitor says.
type deaf struct{ fennel.Gatherer }

func (d deaf) Visit(ctx context.Context, req *sample.Request, v sample.Visitor) error {
	return d.Gatherer.Visit(ctx, req, deafVisitor{v})
}

type deafVisitor struct{ sample.Visitor }

func (d deafVisitor) Visit(f *sample.Family, b *sample.Batch) error {
	d.Visitor.Visit(f, b)
	return nil
}

// flaky is a writer that fails once.
type flaky struct{ writes int }

func (f *flaky) Write(p []byte) (int, error) {
	if f.writes++; f.writes == 2 {
		return 0, errFull
	}
	return len(p), nil
}

func TestNothingIsWrittenBehindWhatIsLost(t *testing.T) {
	for _, f := range []Format{om100, {Syntax: Protobuf}} {
		var w flaky
		if err := Write(t.Context(), &w, deaf{counters(20_000)}, f); !errors.Is(err, errFull) || w.writes != 2 {
			t.Errorf("%v: error %v, %d writes", f, err, w.writes)
		}
	}
}

// A writer that takes less than it is given without an error breaks the rules of
// io.Writer. The body is cut short all the same.
func TestShortWriteIsAnError(t *testing.T) {
	w := &limited{left: 10, short: true}
	if err := Write(t.Context(), w, counters(10), om100); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("error %v, want %v", err, io.ErrShortWrite)
	}
}

func TestEOFIsThereOnce(t *testing.T) {
	for name, r := range map[string]*fennel.Registry{"empty": fennel.NewRegistry(), "all": everything(), "large": counters(5000)} {
		for f := range formats {
			body, err := Bytes(t.Context(), r, f)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Count("\n"+string(body), "\n# EOF\n")
			if want := endsInEOF(f); (lines == 1) != want || bytes.HasSuffix(body, []byte("# EOF\n")) != want {
				t.Errorf("%s, %v: # EOF is there %d times", name, f, lines)
			}
		}
	}
}

// EOF in data is not the end.
func TestEOFInData(t *testing.T) {
	body := write(t, om100, func(r *fennel.Registry) {
		fennel.NewGaugeVec[string]("x", "# EOF\n# EOF", fennel.In(r), fennel.LabelNames("l")).With("\n# EOF\n")
	})
	if _, err := parse([]byte(body), true); err != nil || strings.Count(body, "\n# EOF") != 1 {
		t.Errorf("%v: %q", err, body)
	}
}

// cancelling cancels a context at its first piece.
type cancelling struct {
	bytes.Buffer
	cancel context.CancelFunc
	pieces int
}

func (w *cancelling) Write(p []byte) (int, error) {
	w.cancel()
	w.pieces++
	return w.Buffer.Write(p)
}

func TestCancelledContextCutsTheBody(t *testing.T) {
	r := counters(50_000)
	for _, f := range []Format{{}, om100} {
		ctx, cancel := context.WithCancel(t.Context())
		w := &cancelling{cancel: cancel}
		err := Write(ctx, w, r, f)
		if !errors.Is(err, context.Canceled) || fennel.Partial(err) {
			t.Errorf("%v: error %v, want %v", f, err, context.Canceled)
		}
		if w.pieces != 1 || bytes.Contains(w.Bytes(), []byte("# EOF")) {
			t.Errorf("%v: %d pieces, %d bytes after the context was done", f, w.pieces, w.Len())
		}
		if body, err := Bytes(ctx, r, f); body != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("%v: Bytes returns %d bytes and %v", f, len(body), err)
		}
	}
}

// What some collectors failed to write is missing, and nothing else.
func TestGatherErrorGivesAFullBody(t *testing.T) {
	r := counters(2000)
	cause := errors.New("no answer")
	r.MustRegister(
		fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error {
			w.Gauge("first", "h").Write(1)
			return cause
		}),
		fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error {
			w.Gauge("second", "h").Write(2)
			panic("bug")
		}),
	)
	for f := range formats {
		body, err := Bytes(t.Context(), r, f)
		if !fennel.Partial(err) || !errors.Is(err, cause) {
			t.Errorf("%v: error %v", f, err)
		}
		c, err := parseAs(body, f)
		if err != nil {
			t.Fatal(err)
		}
		values := make(map[string]float64)
		for _, p := range c.points {
			values[p.name] += p.value
		}
		if values["first"] != 1 || values["second"] != 2 || values["http_requests_total"] != 1999*2000/2 || values["fennel_collector_errors_total"] == 0 {
			t.Errorf("%v: %v", f, values)
		}
	}
}

// pieces notes how large the pieces are.
type pieces struct {
	n, largest, total int
}

func (w *pieces) Write(p []byte) (int, error) {
	w.n++
	w.largest = max(w.largest, len(p))
	w.total += len(p)
	return len(p), nil
}

func TestBodyComesInPieces(t *testing.T) {
	r := counters(60_000)
	h := fennel.NewHistogramVec[string]("latency_seconds", "h", fennel.In(r), fennel.LabelNames("path"))
	for i := range 2000 {
		h.With("/users/" + strconv.Itoa(i)).Observe(1)
	}
	for f := range formats {
		var w pieces
		if err := Write(t.Context(), &w, r, f); err != nil {
			t.Fatal(err)
		}
		if w.largest > 68<<10 {
			t.Errorf("%v: a piece of %d bytes", f, w.largest)
		}
		if limit := w.total/pieceSize + 1; w.n > limit {
			t.Errorf("%v: %d pieces for %d bytes, want at most %d", f, w.n, w.total, limit)
		}
	}
}

// However large the body, a scrape takes little more memory than there is.
// TestMemoryOfAScrapeIsBounded scrapes with empty pools: that is what the first scrape
// needs, and each one in the worst case. The second one needs nothing more.
func TestMemoryOfAScrapeIsBounded(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	r := counters(20_000)
	for _, f := range []Format{{}, om100, {Syntax: Protobuf}, {Syntax: Protobuf, Readable: true}, {Syntax: OpenMetrics200}} {
		if err := Write(t.Context(), io.Discard, r, f); err != nil { // sorts what is new
			t.Fatal(err)
		}
		runtime.GC() // the first one leaves pools what they had
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var w pieces
		if err := Write(t.Context(), &w, r, f); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 512<<10 {
			t.Errorf("%v: %d bytes were allocated for a body of %d", f, n, w.total)
		}
		if n := testing.AllocsPerRun(3, func() { Write(t.Context(), io.Discard, r, f) }); n > steadyAllocs && !raceDetector {
			t.Errorf("%v: %v allocations when the pools are filled", f, n)
		}
	}
}

func TestSteadyScrapeAllocatesLittle(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector's pools allocate")
	}
	legal := counters(1000)
	utf8 := fennel.NewRegistry()
	v := fennel.NewCounterVec[string]("http.requests_total", "h", fennel.In(utf8), fennel.LabelNames("url.path"))
	for i := range 1000 {
		v.With("/users/" + strconv.Itoa(i)).Inc()
	}
	ctx := t.Context()
	for f := range formats {
		n := testing.AllocsPerRun(20, func() {
			if err := Write(ctx, io.Discard, legal, f); err != nil {
				t.Fatal(err)
			}
		})
		if n > steadyAllocs {
			t.Errorf("%v: %v allocations for 1000 counters, want at most %d", f, n, steadyAllocs)
		}
		n = testing.AllocsPerRun(20, func() {
			if err := Write(ctx, io.Discard, utf8, f); err != nil {
				t.Fatal(err)
			}
		})
		if n > steadyAllocs && f.Escaping == AllowUTF8 {
			t.Errorf("%v: %v allocations for 1000 counters with UTF-8 names, want at most %d", f, n, steadyAllocs)
		}
	}
}

// steadyAllocs is what a scrape allocates when nothing is new, however many
// series there are.
const steadyAllocs = 5

// Label names that have to be escaped at each scrape must not cost allocations
// for each series.
func TestEscapingLabelNamesDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector's pools allocate")
	}
	r := fennel.NewRegistry()
	v := fennel.NewCounterVec[string]("requests_total", "h", fennel.In(r), fennel.LabelNames("url.path"))
	for i := range 1000 {
		v.With("/users/" + strconv.Itoa(i)).Inc()
	}
	for f := range formats {
		n := testing.AllocsPerRun(20, func() {
			if err := Write(t.Context(), io.Discard, r, f); err != nil {
				t.Fatal(err)
			}
		})
		if n > steadyAllocs {
			t.Errorf("%v: %v allocations for 1000 counters, want at most %d", f, n, steadyAllocs)
		}
	}
}

// A collector's samples are checked for order and duplicates at each scrape,
// which must not cost allocations for each of them.
func TestOrderCheckOfCollectorsDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector's pools allocate")
	}
	const samples = 1000
	values := make([]string, samples)
	for i := range values {
		values[i] = strconv.Itoa(samples + i)
	}
	r := fennel.NewRegistry()
	r.MustRegister(fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error {
		g := w.Gauge("x", "h", fennel.LabelNames("a_rather_long_label_name_so_that_text_is_long"))
		for i, v := range values {
			g.Write(float64(i), v)
		}
		return nil
	}))
	n := testing.AllocsPerRun(20, func() {
		if err := Write(t.Context(), io.Discard, r, Format{}); err != nil {
			t.Fatal(err)
		}
	})
	if n > 200 {
		t.Errorf("%v allocations for %d samples of a collector", n, samples)
	}
}

// Scrapes share the encoders' buffers one after the other, never at once.
func TestConcurrentScrapes(t *testing.T) {
	r := everything()
	want := make(map[Format]string)
	for f := range formats {
		body, err := Bytes(t.Context(), r, f)
		if err != nil {
			t.Fatal(err)
		}
		want[f] = string(body)
	}
	var wg sync.WaitGroup
	for f := range formats {
		for range 2 {
			wg.Go(func() {
				for range 10 {
					body, err := Bytes(t.Context(), r, f)
					if err != nil || string(body) != want[f] {
						t.Errorf("%v: %v\n%s", f, err, firstDifference(body, []byte(want[f])))
						return
					}
				}
			})
		}
	}
	wg.Wait()
}

// An encoder that has failed leaves nothing behind for the next scrape.
func TestFailedScrapeDoesNotLeakIntoTheNext(t *testing.T) {
	r := counters(3000)
	want, err := Bytes(t.Context(), r, om100)
	if err != nil {
		t.Fatal(err)
	}
	for left := range 20 {
		if err := Write(t.Context(), &limited{left: left * 1000, err: errFull}, r, Format{}); err == nil {
			t.Fatal("no error")
		}
		got, err := Bytes(t.Context(), r, om100)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%v: %s", err, firstDifference(got, want))
		}
	}
}

// A format out of range is the zero format.
func TestFormatOutOfRangeIsText004(t *testing.T) {
	r := everything()
	want, err := Bytes(t.Context(), r, Format{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []Format{{Syntax: syntaxes, Escaping: AllowUTF8}, {Syntax: OpenMetrics100, Escaping: escapings}, {Syntax: 255, Escaping: 255}} {
		if got, err := Bytes(t.Context(), r, f); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d, %d: %v: %s", f.Syntax, f.Escaping, err, firstDifference(got, want))
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	r := counters(100_000)
	for _, f := range []Format{{}, om100} {
		b.Run(f.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := Write(b.Context(), io.Discard, r, f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

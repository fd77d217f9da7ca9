package fennel

import (
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// The digits of a look-up lie on its stack, which moves when it grows. Who
// refers to them from the heap, as the values of more than stackLabels labels
// do, must not be left with the old place.

// tenNumbers is a label set with more labels than a look-up has room for.
type tenNumbers [10]int

func TestLookUpSurvivesAMovingStack(t *testing.T) {
	r := NewRegistry()
	o := collect([]CounterOption{In(r), LabelNames(strings.Split("abcdefghij", "")...)}, CounterOption.forCounter)
	d := newDeclaration(sample.Counter, "c_total", "", o)
	d.load = loadCounters
	d.alloc = func(*member) *series.Series {
		growStack(64)
		overwriteFreedStacks()
		return &new(Counter).series
	}
	vec := newVec[tenNumbers, Counter](d, o)
	want := tenNumbers{11, 22, 33, 44, 55, 66, 77, 88, 99, 10}
	for range 20 {
		// A new goroutine has a small stack.
		var wg sync.WaitGroup
		wg.Go(func() { vec.With(want) })
		wg.Wait()
		for got := range vec.All() {
			if got != want {
				t.Fatalf("With(%v) made a series with %v", want, got)
			}
		}
		vec.Clear()
	}
}

// growStack makes the stack larger than it was.
//
//go:noinline
func growStack(depth int) byte {
	var frame [1024]byte
	if depth > 0 {
		frame[depth] = growStack(depth - 1)
	}
	return frame[depth/2]
}

// overwriteFreedStacks lets other goroutines use the memory of stacks that are
// free again.
func overwriteFreedStacks() {
	var started, done sync.WaitGroup
	release := make(chan struct{})
	for range 200 {
		started.Add(1)
		done.Go(func() {
			scribble()
			started.Done()
			<-release
		})
	}
	started.Wait()
	close(release)
	done.Wait()
	runtime.GC()
}

//go:noinline
func scribble() (sum byte) {
	var frame [1400]byte
	for i := range frame {
		frame[i] = '7'
	}
	for _, b := range frame {
		sum += b
	}
	return sum
}

// The same with a value that is mended, which makes another slice of the values.
func TestMendedLookUpSurvivesAMovingStack(t *testing.T) {
	type mixed struct {
		Path   string `label:"path"`
		Status int    `label:"status"`
		Other  int    `label:"other"`
	}
	for depth := range 60 {
		r := NewRegistry()
		v := NewCounterVec[mixed]("x_total", "", In(r))
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				deeper(depth, func() { v.With(mixed{fmt.Sprintf("p%d-\xff", i), 123456, 777777}).Inc() })
			})
		}
		all.Wait()
		n := 0
		for l := range v.All() {
			if n++; l.Status != 123456 || l.Other != 777777 {
				t.Fatalf("at depth %d With made %+v", depth, l)
			}
		}
		if n != 100 {
			t.Fatalf("at depth %d: %d series, want 100", depth, n)
		}
	}
}

// deeper calls f with n frames more on the stack, so that it grows elsewhere.
//
//go:noinline
func deeper(n int, f func()) byte {
	var frame [64]byte
	if n == 0 {
		f()
		return frame[0]
	}
	return deeper(n-1, f) + frame[n%64]
}

// Two label set types may share a metric. What doesn't fit one of them is not
// taken for something else.
func TestOtherTypesPassOverLabelsThatDoNotFit(t *testing.T) {
	type number struct {
		K int8 `label:"k"`
	}
	r := NewRegistry()
	text := NewCounterVec[string]("x_total", "", In(r), LabelNames("k"))
	numbers := NewCounterVec[number]("x_total", "", In(r))
	text.Create("abc", "300", "7")
	numbers.Create(number{0})
	if n := numbers.DeleteFunc(func(l number) bool { return l.K == 0 }); n != 1 {
		t.Errorf("deleted %d, want 1", n)
	}
	for l := range numbers.All() {
		if l.K != 7 {
			t.Errorf("iterates over %+v", l)
		}
	}
	if n := text.Len(); n != 3 {
		t.Errorf("%d are left, want 3", n)
	}
}

// Numbers of a few digits are written in one piece, which must disturb nothing in
// front of it and nothing behind, however little room there is.
func TestAppendUintIsStrconvs(t *testing.T) {
	numbers := []uint64{math.MaxUint64, 1 << 32, 1<<32 + 7, 256, 255, 65535, 100_000}
	for n := range uint64(1100) {
		numbers = append(numbers, n)
	}
	for room := range 6 {
		for _, n := range numbers {
			got := appendUint(append(make([]byte, 0, 2+room), "12"...), n)
			got = appendUint(got, n)
			if text := strconv.FormatUint(n, 10); string(got) != "12"+text+text {
				t.Fatalf("with room for %d: 12, %d and %[2]d are written as %[3]s", room, n, got)
			}
		}
	}
	backing := []byte("12........")
	appendUint(backing[:2:6], 3)
	if string(backing[6:]) != "...." {
		t.Errorf("it writes beyond its room: %s", backing)
	}
}

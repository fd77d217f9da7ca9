package fennel

import (
	"runtime"
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

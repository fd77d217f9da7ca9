package demo

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// arrivals returns how many customers come in each minute.
func arrivals(t *testing.T, traffic Traffic, minutes int) []int {
	var counts []int
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		traffic.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { n.Add(1) })
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go traffic.Run(ctx)
		for range minutes {
			time.Sleep(time.Minute)
			synctest.Wait()
			counts = append(counts, int(n.Swap(0)))
		}
	})
	return counts
}

func TestTrafficSwellsAndEbbs(t *testing.T) {
	got := arrivals(t, Traffic{Rate: 100, Seed: 1}, 5)
	if got[1] < got[0] || got[1] < 8000 || got[3] > 4000 || got[4] < got[3] {
		t.Errorf("customers per minute: %v", got)
	}
	if again := arrivals(t, Traffic{Rate: 100, Seed: 1}, 5); fmt.Sprint(again) != fmt.Sprint(got) {
		t.Errorf("with the same seed %v came, and then %v", got, again)
	}
}

func TestNoRateIsNoTraffic(t *testing.T) {
	if got := arrivals(t, Traffic{}, 1); got[0] != 0 {
		t.Errorf("%v customers", got)
	}
}

func TestCrowdIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inside, most atomic.Int64
		h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			most.Store(max(most.Load(), inside.Add(1)))
			defer inside.Add(-1)
			<-r.Context().Done()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		Traffic{Handler: h, Rate: 100, Seed: 1}.Run(ctx)
		if most.Load() != crowd || inside.Load() != 0 {
			t.Errorf("%d customers at once and %d left inside, want %d and 0", most.Load(), inside.Load(), crowd)
		}
	})
}

package demo

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
)

func TestQueueIsFirstComeFirstServed(t *testing.T) {
	q := newQueue(fennel.NewRegistry(), 3)
	for id := range uint64(3) {
		if !q.Put(Order{ID: id}) {
			t.Fatalf("no room for order %d", id)
		}
	}
	if q.Put(Order{}) {
		t.Error("there was room for a fourth order")
	}
	for id := range uint64(3) {
		o, err := q.Take(t.Context())
		if err != nil || o.ID != id {
			t.Errorf("got order %d, %v; want %d", o.ID, err, id)
		}
	}
	if got := q.metrics.depth.Value(); got != 0 {
		t.Errorf("depth %v, want 0", got)
	}
}

func TestTakeWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(fennel.NewRegistry(), 1)
		got := make(chan uint64)
		go func() {
			o, _ := q.Take(t.Context())
			got <- o.ID
		}()
		synctest.Wait()
		q.Put(Order{ID: 7})
		if id := <-got; id != 7 {
			t.Errorf("got order %d", id)
		}
	})
}

func TestTakeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(fennel.NewRegistry(), 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := q.Take(ctx); err != context.DeadlineExceeded {
			t.Errorf("got error %v", err)
		}
		q.Put(Order{})
		if _, err := q.Take(ctx); err != context.DeadlineExceeded {
			t.Errorf("with an order there: got error %v", err)
		}
	})
}

func TestAgeIsThatOfTheFirstOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := fennel.NewRegistry()
		q := newQueue(reg, 2)
		age := func() float64 { return read(t, reg)[oldestAge] }
		if got := age(); got != 0 {
			t.Errorf("age %v of an empty queue", got)
		}
		q.Put(Order{Placed: time.Now()})
		time.Sleep(3 * time.Second)
		q.Put(Order{Placed: time.Now()})
		time.Sleep(time.Second)
		if got := age(); got != 4 {
			t.Errorf("age %v, want 4", got)
		}
		q.Take(t.Context())
		if got := age(); got != 1 {
			t.Errorf("age %v after the first was taken, want 1", got)
		}
	})
}

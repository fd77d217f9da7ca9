package demo

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// open runs a shop with customers, in the bubble of the test, until stop is
// called or the test ends. That no goroutine is left then is checked by
// [synctest.Test].
func open(t *testing.T, reg *fennel.Registry, conf Config) (shop *Shop, stop func()) {
	t.Helper()
	shop = NewShop(reg, conf)
	traffic := Traffic{Handler: shop, Rate: conf.Rate, Seed: conf.Seed}
	ctx, cancel := context.WithCancel(t.Context())
	var parts sync.WaitGroup
	parts.Go(func() { shop.Run(ctx) })
	parts.Go(func() { traffic.Run(ctx) })
	stop = func() {
		cancel()
		parts.Wait()
	}
	t.Cleanup(stop)
	return shop, stop
}

// values are what a registry says, by the names of series without labels, or
// with them summed up.
type values map[string]float64

func read(t *testing.T, reg *fennel.Registry) values {
	t.Helper()
	families, err := reg.Gather(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := make(values)
	for _, f := range families {
		for _, s := range f.Samples {
			v[f.Name] += s.Value + float64(s.Count)
		}
	}
	return v
}

// balance checks what must hold at any moment.
func (v values) balance(t *testing.T) {
	t.Helper()
	inside := v["shop_queue_orders"] + v["shop_workers_busy"]
	if got, want := v["shop_queue_enqueued_total"], v["shop_orders_processed_total"]+inside; got != want {
		t.Errorf("%v orders enqueued, but %v processed or inside", got, want)
	}
	if got, most := v["shop_queue_orders"], v["shop_queue_size"]; got > most {
		t.Errorf("%v orders in a queue for %v", got, most)
	}
	if got, want := v["http_request_duration_seconds"], v["http_requests_total"]; got != want {
		t.Errorf("%v durations of %v requests", got, want)
	}
	if got, want := v["http_response_size_bytes"], v["http_requests_total"]; got != want {
		t.Errorf("%v sizes of %v requests", got, want)
	}
	if got, want := v["shop_job_duration_seconds"], v["shop_orders_processed_total"]; got != want {
		t.Errorf("%v jobs measured, %v processed", got, want)
	}
}

func TestNumbersFitTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := fennel.NewRegistry()
		_, stop := open(t, reg, Config{Rate: 50, Seed: 1})
		for range 2 * day / (10 * time.Second) {
			time.Sleep(10 * time.Second)
			synctest.Wait()
			read(t, reg).balance(t)
		}
		stop()
		v := read(t, reg)
		v.balance(t)
		for _, name := range []string{"http_requests_in_flight", "shop_workers_busy"} {
			if v[name] != 0 {
				t.Errorf("%s is %v at the end", name, v[name])
			}
		}
		if got, want := v["http_requests_total"], 2*day.Seconds()*50; got < 0.95*want || got > 1.05*want {
			t.Errorf("%v requests, want about %v", got, want)
		}
		if v["shop_sales_euros_total"] == 0 || v["shop_inventory_deliveries_total"] == 0 {
			t.Error("nothing was sold or delivered")
		}
	})
}

func TestEverythingHappensInADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := fennel.NewRegistry()
		shop, _ := open(t, reg, Config{Rate: 20, Seed: 1})
		deepest := 0.0
		for range day / time.Second {
			time.Sleep(time.Second)
			deepest = max(deepest, read(t, reg)["shop_queue_orders"])
		}
		if deepest < 10 || deepest >= 100 {
			t.Errorf("at most %v orders were waiting: a graph of that is dull", deepest)
		}
		for _, o := range []outcome{shipped, declined} {
			if shop.pool.metrics.processed.With(o).Value() == 0 {
				t.Errorf("no order was %s", o)
			}
		}
		statuses := make(map[string]bool)
		families, _ := fennel.Gather(t.Context(), fennel.Only(reg, "http_requests_total"))
		for _, s := range families[0].Samples {
			statuses[s.Label("route")+" "+s.Label("status")] = true
		}
		for _, want := range []string{
			"/products 200", "/products 500", "/products/{id} 200", "/products/{id} 404", "/products/{id} 500",
			"/orders 202", "/orders 400", "unknown 404",
		} {
			if !statuses[want] {
				t.Errorf("there was no %s", want)
			}
		}
	})
}

func TestSameSeedGivesTheSameMetrics(t *testing.T) {
	run := func(seed uint64) (text string) {
		synctest.Test(t, func(t *testing.T) {
			reg := fennel.NewRegistry()
			open(t, reg, Config{Rate: 30, Seed: seed})
			time.Sleep(day / 2)
			synctest.Wait()
			b, err := exposition.Bytes(t.Context(), reg, exposition.Format{})
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		})
		return text
	}
	first := run(1)
	if second := run(1); second != first {
		t.Errorf("two runs with the same seed differ:\n%s\n%s", first, second)
	}
	if run(2) == first {
		t.Error("another seed gives the same")
	}
}

func TestClosingMidwayAbortsWhatIsBeingDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := fennel.NewRegistry()
		shop := NewShop(reg, Config{Rate: 1, Workers: 1}) // a job takes about 2 s
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); shop.Run(ctx) }()

		for range 3 {
			shop.queue.Put(Order{Product: catalog[0], Quantity: 1, Placed: time.Now()})
		}
		synctest.Wait()
		states := shop.pool.metrics.states.With(0)
		if !states.Enabled(busy) {
			t.Errorf("the worker is %v, want busy", states.States())
		}
		if got := read(t, reg)["shop_workers_busy"]; got != 1 {
			t.Errorf("%v workers busy, want 1", got)
		}
		cancel()
		<-done
		v := read(t, reg)
		v.balance(t)
		if got := shop.pool.metrics.processed.With(aborted).Value(); got != 1 {
			t.Errorf("%v orders aborted, want 1", got)
		}
		if got := v["shop_queue_orders"]; got != 2 {
			t.Errorf("%v orders left in the queue, want 2", got)
		}
		if !states.Enabled(stopped) || states.Enabled(busy) {
			t.Errorf("the worker is %v, want stopped", states.States())
		}
	})
}

func TestFullQueueTurnsOrdersAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := fennel.NewRegistry()
		shop := NewShop(reg, Config{QueueSize: 2}) // which nobody runs
		statuses := make(map[int]int)
		for range 200 {
			w := httptest.NewRecorder()
			shop.ServeHTTP(w, httptest.NewRequest("POST", "/orders", strings.NewReader(`{"product": 1, "quantity": 1}`)))
			statuses[w.Code]++
			if w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
				t.Error("the answer doesn't say when to come back")
			}
		}
		v := read(t, reg)
		v.balance(t)
		if statuses[http.StatusAccepted] != 2 || v["shop_queue_enqueued_total"] != 2 {
			t.Errorf("answers %v, %v enqueued; want 2 accepted", statuses, v["shop_queue_enqueued_total"])
		}
		if got := v["shop_queue_rejected_total"]; got != float64(statuses[http.StatusServiceUnavailable]) {
			t.Errorf("answers %v, %v rejected", statuses, got)
		}
	})
}

func TestShopsShareNothing(t *testing.T) {
	one, other := fennel.NewRegistry(), fennel.NewRegistry()
	shop := NewShop(one, Config{})
	NewShop(other, Config{})
	shop.queue.Put(Order{})
	if v := read(t, other); v["shop_queue_enqueued_total"] != 0 {
		t.Error("the order is in the other shop's metrics")
	}
	if descs := fennel.Default.Descs(); len(descs) != 0 {
		t.Errorf("the default registry has %v", descs)
	}
}

package demo

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// day is how long a day of the customers is: short, so that one can watch
	// it go by.
	day = 5 * time.Minute
	// swell is how far the rate rises and falls in the course of a day.
	swell = 0.6
	// orderShare is the part of the requests that are good orders.
	orderShare = 0.15
	// crowd is how many customers there may be at once.
	crowd = 1000
)

// Traffic is the customers of a shop. They come independently of each other,
// and more of them in the daytime.
type Traffic struct {
	Handler http.Handler // that serves them
	Rate    float64      // requests per second, on average; 0 means none
	Seed    uint64       // the same one gives the same requests, at the same times
}

// Run makes requests until ctx is done. It returns when the last one has ended.
func (t Traffic) Run(ctx context.Context) {
	if t.Rate <= 0 {
		<-ctx.Done()
		return
	}
	var customers sync.WaitGroup
	defer customers.Wait()
	places := make(chan struct{}, crowd)
	d := newDice(t.Seed, 0)
	start := time.Now()
	// Each arrival is reckoned from the one before and not from now, so that
	// the rate holds though timers are late.
	for at := start; ; {
		at = at.Add(d.gap(t.rate(at.Sub(start))))
		if sleep(ctx, time.Until(at)) != nil {
			return
		}
		w := draw(d)
		select {
		case <-ctx.Done():
			return
		case places <- struct{}{}:
		}
		customers.Go(func() {
			defer func() { <-places }()
			w.send(ctx, t.Handler)
		})
	}
}

// rate returns the requests per second at a time after the start, which is in
// the morning.
func (t Traffic) rate(since time.Duration) float64 {
	return t.Rate * (1 + swell*math.Sin(2*math.Pi*since.Seconds()/day.Seconds()))
}

// wish is what a customer asks for.
type wish struct{ method, path, body string }

// draw draws a wish.
func draw(d *dice) wish {
	switch x := d.float(); {
	case x < orderShare:
		return wish{http.MethodPost, "/orders", fmt.Sprintf(`{"product": %d, "quantity": %d}`, popular(d), 1+d.intN(3))}
	case x < 0.40:
		return wish{http.MethodGet, "/products", ""}
	case x < 0.96:
		return wish{http.MethodGet, fmt.Sprintf("/products/%d", popular(d)), ""}
	case x < 0.98:
		return wish{http.MethodGet, fmt.Sprintf("/products/%d", 1000+d.intN(1000)), ""} // not there
	case x < 0.99:
		return wish{http.MethodPost, "/orders", `{"product": "parsley"}`} // not an order
	}
	return wish{http.MethodGet, "/wp-login.php", ""} // there is always one
}

// popular draws the ID of a product: the first ones more often.
func popular(d *dice) int {
	x := d.float()
	return 1 + int(x*x*float64(len(catalog)))
}

// send makes the request.
func (w wish) send(ctx context.Context, h http.Handler) {
	r, err := http.NewRequestWithContext(ctx, w.method, "http://shop.invalid"+w.path, strings.NewReader(w.body))
	if err != nil {
		panic(err) // wishes are well-formed
	}
	h.ServeHTTP(blackHole{io.Discard, make(http.Header)}, r)
}

// blackHole is where answers go that nobody reads.
type blackHole struct {
	io.Writer
	header http.Header
}

func (b blackHole) Header() http.Header { return b.header }
func (b blackHole) WriteHeader(int)     {}

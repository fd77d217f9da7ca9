package demo

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// api is the handlers. They know nothing of metrics: measure measures them
// all, and the queue measures itself.
type api struct {
	queue  *Queue
	logger *slog.Logger
	dice   *dice
	lastID atomic.Uint64
}

func newAPI(queue *Queue, logger *slog.Logger, d *dice) *api {
	return &api{queue: queue, logger: logger, dice: d}
}

func (a *api) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /products", a.listProducts)
	mux.HandleFunc("GET /products/{id}", a.showProduct)
	mux.HandleFunc("POST /orders", a.placeOrder)
	return mux
}

func (a *api) listProducts(w http.ResponseWriter, r *http.Request) {
	if err := a.query(r.Context(), 30*time.Millisecond); err != nil {
		a.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, catalog)
}

func (a *api) showProduct(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		reply(w, http.StatusBadRequest, problem{"the product's id is not a number"})
		return
	}
	if err := a.query(r.Context(), 8*time.Millisecond); err != nil {
		a.fail(w, r, err)
		return
	}
	p, ok := lookup(id)
	if !ok {
		reply(w, http.StatusNotFound, problem{"there is no such product"})
		return
	}
	reply(w, http.StatusOK, p)
}

// orderRequest is the body of POST /orders.
type orderRequest struct {
	Product  int `json:"product"`
	Quantity int `json:"quantity"`
}

func (a *api) placeOrder(w http.ResponseWriter, r *http.Request) {
	var req orderRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&req); err != nil {
		reply(w, http.StatusBadRequest, problem{`the body is not an order such as {"product": 1, "quantity": 2}`})
		return
	}
	p, ok := lookup(req.Product)
	if !ok || req.Quantity < 1 || req.Quantity > 10 {
		reply(w, http.StatusUnprocessableEntity, problem{"the product does not exist, or the quantity is not from 1 to 10"})
		return
	}
	if err := a.query(r.Context(), 60*time.Millisecond); err != nil {
		a.fail(w, r, err)
		return
	}
	o := Order{ID: a.lastID.Add(1), Product: p, Quantity: req.Quantity, Placed: time.Now()}
	if !a.queue.Put(o) {
		w.Header().Set("Retry-After", "5")
		reply(w, http.StatusServiceUnavailable, problem{"too many orders are waiting"})
		return
	}
	reply(w, http.StatusAccepted, map[string]uint64{"order": o.ID})
}

var errDatabase = errors.New("the database timed out")

// query asks the database that the shop would have: it takes about that long,
// and fails at times.
func (a *api) query(ctx context.Context, median time.Duration) error {
	took, fails := a.dice.duration(median), a.dice.chance(0.01)
	if err := sleep(ctx, took); err != nil {
		return err
	}
	if fails {
		return errDatabase
	}
	return nil
}

// fail answers a request that could not be served.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody is there to answer
	}
	// It is counted, and an alert can tell from the rate; a line for each would
	// bury the log as soon as the database is down.
	a.logger.Debug("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	reply(w, http.StatusInternalServerError, problem{"something went wrong"})
}

type problem struct {
	Error string `json:"error"`
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // an error: the client has gone
}

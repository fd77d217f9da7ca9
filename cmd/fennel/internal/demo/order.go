package demo

import "time"

// Order is what a customer wants.
type Order struct {
	ID       uint64
	Product  Product
	Quantity int
	Placed   time.Time
}

// Euros is what the order costs.
func (o Order) Euros() float64 { return float64(o.Quantity) * o.Product.Euros }

// outcome is what became of an order. Being a type of its own it can't be
// confused with other labels, and its values stand here, all of them.
type outcome string

const (
	shipped  outcome = "shipped"
	declined outcome = "declined" // the payment was
	soldOut  outcome = "sold_out"
	aborted  outcome = "aborted" // the shop closed in the midst of it
)

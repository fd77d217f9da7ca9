package demo

import (
	"context"
	"sync"
	"time"

	"github.com/fennelmetrics/fennel"
)

// warehouses are where products are kept.
var warehouses = []string{"berlin", "lisbon", "oslo"}

// Inventory knows how much of each product is in each warehouse. It stands for
// a database that is the truth about it: the levels are not kept in gauges
// beside it, which could go astray, but read from it at each scrape. So it is
// a [fennel.Collector]. It is safe for concurrent use.
type Inventory struct {
	capacity int
	dice     *dice

	mu         sync.Mutex
	levels     map[place]int
	deliveries map[string]uint64 // by warehouse
}

// place is where the units of a product lie.
type place struct{ product, warehouse string }

// newInventory returns an inventory of full warehouses, which have room for
// capacity units of each product, and registers it in reg.
func newInventory(reg *fennel.Registry, capacity int, d *dice) *Inventory {
	inv := &Inventory{
		capacity:   capacity,
		dice:       d,
		levels:     make(map[place]int),
		deliveries: make(map[string]uint64),
	}
	for _, p := range catalog {
		for _, w := range warehouses {
			inv.levels[place{p.Name, w}] = capacity
		}
	}
	reg.MustRegister(inv)
	return inv
}

// Remove takes n units of a product out of a warehouse that has as many. It
// reports false if none has.
func (inv *Inventory) Remove(p Product, n int) bool {
	first := inv.dice.intN(len(warehouses))
	inv.mu.Lock()
	defer inv.mu.Unlock()
	for i := range warehouses {
		at := place{p.Name, warehouses[(first+i)%len(warehouses)]}
		if inv.levels[at] >= n {
			inv.levels[at] -= n
			return true
		}
	}
	return false
}

// Run lets lorries come by, until ctx is done.
func (inv *Inventory) Run(ctx context.Context) {
	lorry := time.NewTicker(10 * time.Second)
	defer lorry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-lorry.C:
			inv.deliver()
		}
	}
}

// deliver fills up whatever is nearly gone.
func (inv *Inventory) deliver() {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	for at, level := range inv.levels {
		if level < inv.capacity/4 {
			inv.levels[at] = inv.capacity
			inv.deliveries[at.warehouse]++
		}
	}
}

// Names of what Collect writes.
const (
	inventoryUnits      = "shop_inventory_units"
	inventoryDeliveries = "shop_inventory_deliveries_total"
)

// Collect writes the levels and the deliveries as they are now.
func (inv *Inventory) Collect(ctx context.Context, w *fennel.Writer) error {
	// A real one would query the database here, with ctx, so that the query
	// ends when the scrape does.
	if err := ctx.Err(); err != nil {
		return err
	}
	units := w.Gauge(inventoryUnits, "Units of a product that a warehouse has.",
		fennel.LabelNames("product", "warehouse"))
	deliveries := w.Counter(inventoryDeliveries, "Times that a product was filled up in a warehouse.",
		fennel.LabelNames("warehouse"))

	inv.mu.Lock()
	defer inv.mu.Unlock()
	for _, p := range catalog {
		for _, wh := range warehouses {
			units.Write(float64(inv.levels[place{p.Name, wh}]), p.Name, wh)
		}
	}
	for _, wh := range warehouses {
		deliveries.Write(float64(inv.deliveries[wh]), wh)
	}
	return nil
}

// Describe says what Collect writes.
func (inv *Inventory) Describe() []fennel.Desc {
	return []fennel.Desc{
		{Name: inventoryUnits, Type: fennel.TypeGauge, Labels: []string{"product", "warehouse"}},
		{Name: inventoryDeliveries, Type: fennel.TypeCounter, Labels: []string{"warehouse"}},
	}
}

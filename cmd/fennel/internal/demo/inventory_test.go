package demo

import (
	"context"
	"errors"
	"testing"

	"github.com/fennelmetrics/fennel"
)

func TestInventoryIsReadAtTheScrape(t *testing.T) {
	reg := fennel.NewRegistry()
	inv := newInventory(reg, 12, newDice(1, 1))
	full := float64(len(catalog) * len(warehouses) * 12)
	if got := read(t, reg)[inventoryUnits]; got != full {
		t.Fatalf("%v units, want %v", got, full)
	}
	for range 3 { // a warehouse each
		if !inv.Remove(catalog[0], 10) {
			t.Fatal("sold out too early")
		}
	}
	if inv.Remove(catalog[0], 10) {
		t.Error("more was sold than there was")
	}
	if got := read(t, reg)[inventoryUnits]; got != full-30 {
		t.Errorf("%v units after the sale, want %v", got, full-30)
	}
	inv.deliver()
	v := read(t, reg)
	if v[inventoryUnits] != full || v[inventoryDeliveries] != 3 {
		t.Errorf("%v units and %v deliveries, want %v and 3", v[inventoryUnits], v[inventoryDeliveries], full)
	}
}

func TestCollectorsAnnounceWhatTheyWrite(t *testing.T) {
	reg := fennel.NewRegistry()
	NewShop(reg, Config{})
	families, err := reg.Gather(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	announced := make(map[string]fennel.Desc)
	for _, d := range reg.Descs() {
		announced[d.Name] = d
	}
	for _, f := range families {
		d, ok := announced[f.Name]
		if !ok || d.Type != f.Type || d.Unit != f.Unit {
			t.Errorf("%s is %v, but announced as %v", f.Name, f.Desc, d)
		}
	}
}

func TestCollectGivesUpWithItsContext(t *testing.T) {
	inv := newInventory(fennel.NewRegistry(), 10, newDice(1, 1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := inv.Collect(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v", err)
	}
}

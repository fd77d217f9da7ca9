package demo

// Product is something that the shop sells.
type Product struct {
	ID    int     `json:"id"`
	Name  string  `json:"name"`
	Euros float64 `json:"euros"`
}

// catalog has all products, the most popular first. Their number is small and
// fixed, so a product's name may be a label. In a shop with a million products
// it may not.
var catalog = []Product{
	{1, "fennel seeds", 2.49},
	{2, "fennel tea", 3.95},
	{3, "fennel bulb", 1.20},
	{4, "finocchiona", 11.90},
	{5, "fennel honey", 8.50},
	{6, "giant fennel stalk", 39.00},
}

// lookup returns the product with this ID.
func lookup(id int) (Product, bool) {
	if id < 1 || id > len(catalog) {
		return Product{}, false
	}
	return catalog[id-1], true
}

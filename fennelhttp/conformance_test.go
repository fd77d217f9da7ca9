package fennelhttp_test

import (
	"net/http/httptest"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
	"github.com/fennelmetrics/fennel/internal/handlertest"
)

// The same test is run by whatever else serves metrics.
func TestConformance(t *testing.T) {
	handlertest.Run(t, func(t *testing.T, g fennel.Gatherer, opts ...fennelhttp.HandlerOption) string {
		srv := httptest.NewServer(fennelhttp.Handler(g, opts...))
		t.Cleanup(srv.Close)
		return srv.Listener.Addr().String()
	})
}

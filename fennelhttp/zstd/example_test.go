package zstd_test

import (
	"fmt"
	"net/http/httptest"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
	"github.com/fennelmetrics/fennel/fennelhttp/zstd"
)

func ExampleCompression() {
	h := fennelhttp.Handler(fennel.Default, zstd.Compression())

	for _, accepted := range []string{"gzip", "gzip, zstd"} {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.Header.Set("Accept-Encoding", accepted)
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		fmt.Println(answer.Header().Get("Content-Encoding"))
	}
	// Output:
	// gzip
	// zstd
}

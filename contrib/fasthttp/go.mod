module github.com/fennelmetrics/fennel/contrib/fasthttp

go 1.26.0

require (
	github.com/fennelmetrics/fennel v0.0.0
	github.com/valyala/fasthttp v1.78.0
	go.uber.org/goleak v1.3.0
)

require (
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/molecule-man/go-brrr v1.3.1 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
)

replace github.com/fennelmetrics/fennel => ../..

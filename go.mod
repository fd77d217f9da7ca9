module github.com/fennelmetrics/fennel

go 1.26.0

package main

func Example() {
	main()
	// Output:
	// # HELP cache_entries Entries in the cache.
	// # TYPE cache_entries gauge
	// cache_entries{cache="pages"} 1
	// cache_entries{cache="users"} 1
	// # HELP cache_requests_total Requests to the cache, by result.
	// # TYPE cache_requests_total counter
	// cache_requests_total{cache="pages",result="error"} 0
	// cache_requests_total{cache="pages",result="hit"} 0
	// cache_requests_total{cache="pages",result="miss"} 1
	// cache_requests_total{cache="users",result="error"} 1
	// cache_requests_total{cache="users",result="hit"} 1
	// cache_requests_total{cache="users",result="miss"} 1
}

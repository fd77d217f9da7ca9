package main

func Example() {
	main()
	// Output:
	// summary shop_pause_seconds of region eu
	//   0.5 of them are not above 49
	//   0.99 of them are not above 98
	// gauge shop_queue_length of region eu
	//   1
	// histogram shop_request_duration_seconds of region eu
	//   100 observations in 7 native buckets of schema 3 and 12 classic ones
	//   for example 0.07 in trace 00000000000000000000000000000061
}

package main

func Example() {
	main()
	// Output:
	// payments are switched off
	// features: [search dark_mode]
	// # TYPE app_build info
	// # HELP app_build What was built.
	// app_build_info{version="1.4.0",revision="6d9f684",race="false"} 1
	// # TYPE app_features stateset
	// # HELP app_features Features that are on.
	// app_features{app_features="search"} 1
	// app_features{app_features="export"} 0
	// app_features{app_features="dark_mode"} 1
	// # TYPE circuit_breaker_state stateset
	// # HELP circuit_breaker_state State of the breaker to a backend.
	// circuit_breaker_state{backend="payments",circuit_breaker_state="closed"} 0
	// circuit_breaker_state{backend="payments",circuit_breaker_state="open"} 1
	// circuit_breaker_state{backend="payments",circuit_breaker_state="half_open"} 0
	// circuit_breaker_state{backend="search",circuit_breaker_state="closed"} 1
	// circuit_breaker_state{backend="search",circuit_breaker_state="open"} 0
	// circuit_breaker_state{backend="search",circuit_breaker_state="half_open"} 0
	// # EOF
}

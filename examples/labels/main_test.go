package main

func Example() {
	main()
	// Output:
	// {Table:users Verb:read Shard:3 Cached:true}: 1
	// {Table:users Verb:write Shard:3 Cached:false}: 1000
	// eve has gone: true
	// series of ann deleted: 2
	// series of desks deleted: 1
	// series left: 1
	// # HELP copied_bytes_total Bytes that were copied.
	// # TYPE copied_bytes_total counter
	// copied_bytes_total{from="disk",to="net"} 4096
	// # HELP db_connections_open Open connections.
	// # TYPE db_connections_open gauge
	// db_connections_open{pool="main"} 10
	// db_connections_open{pool="replica"} 11
	// # HELP db_queries_total Queries to the database.
	// # TYPE db_queries_total counter
	// db_queries_total{table="users",verb="read",shard="3",cached="true"} 1
	// db_queries_total{table="users",verb="write",shard="3",cached="false"} 1000
	// # HELP room_temperature_celsius Temperature of a room.
	// # TYPE room_temperature_celsius gauge
	// room_temperature_celsius{room="cellar"} 14.5
	// # HELP sessions_open Sessions of users.
	// # TYPE sessions_open gauge
	// sessions_open{user="bob",device="phone"} 0
}

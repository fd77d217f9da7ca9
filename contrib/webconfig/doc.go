// Package webconfig serves metrics under the web configuration file of
// Prometheus' own programs, by [Prometheus' exporter toolkit]: operators who know
// the flag --web.config.file of the node exporter know all there is to know. The
// [file] sets TLS, client certificates, passwords, a few headers and a rate limit:
//
//	tls_server_config:
//	  cert_file: server.crt
//	  key_file: server.key
//	basic_auth_users:
//	  prometheus: $2y$10$…
//
// A program has the flags and a [Server]:
//
//	flags := webconfig.AddFlags(flag.CommandLine, ":9100")
//	flag.Parse()
//	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
//	defer stop()
//	srv := webconfig.Server{Name: "my exporter", Logger: slog.Default()}
//	if err := srv.Serve(ctx, flags); err != nil {
//		log.Fatal(err)
//	}
//
// Programs whose flags are kingpin's use package web/kingpinflag of the toolkit in
// place of [AddFlags].
//
// Without the file, or where a program chooses for itself, fennelhttp.Start does
// as much, without any of the dependencies of this module.
//
// # What is checked
//
// What is wrong with the file, or with a file that it names, is an error before
// any port is listened on. That includes what the toolkit lets pass at first, see
// [Check]: settings for TLS without a certificate, for which it would serve plain
// HTTP, among others.
//
// The toolkit reads the file again for each request, and the certificates for each
// connection. So changes take effect at once, but for the rate limit and http2. If
// the file is broken by then, requests are answered with status 500 and handshakes
// fail, until it is mended.
//
// [Prometheus' exporter toolkit]: https://github.com/prometheus/exporter-toolkit
// [file]: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
package webconfig

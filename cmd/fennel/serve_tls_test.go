package main

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writePEM writes a file and returns its path.
func writePEM(t *testing.T, path, kind string, der []byte) string {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// testCertificate returns files with a certificate for 127.0.0.1, that of package
// httptest, and a client that trusts it.
func testCertificate(t *testing.T) (certFile, keyFile string, client *http.Client) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	pair := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile = writePEM(t, filepath.Join(dir, "tls.crt"), "CERTIFICATE", pair.Certificate[0])
	return certFile, writePEM(t, filepath.Join(dir, "tls.key"), "PRIVATE KEY", key), server.Client()
}

func TestServeHTTPS(t *testing.T) {
	certFile, keyFile, client := testCertificate(t)
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	for path, text := range map[string]string{filepath.Join(dir, "a.prom"): "x 1\n", token: "secret\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd, url, stderr := startServe(t, dir, "--web.tls-cert-file="+certFile, "--web.tls-key-file="+keyFile, "--web.bearer-token-file="+token)
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	if !strings.HasPrefix(url, "https://127.0.0.1:") {
		t.Fatalf("it serves %s\n%s", url, stderr)
	}
	for credentials, want := range map[string]int{"": 401, "Bearer wrong": 401, "Bearer secret": 200} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", credentials)
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != want || err != nil || strings.Contains(string(body), "\nx 1\n") != (want == 200) {
			t.Errorf("%q: status %d, %v, want %d:\n%s", credentials, answer.StatusCode, err, want, body)
		}
	}
	if answer, err := http.Get("http" + strings.TrimPrefix(url, "https")); err == nil {
		if answer.StatusCode == 200 {
			t.Error("it serves plain HTTP, too")
		}
		_ = answer.Body.Close()
	}
}

// A script's variable may be empty.
func TestServeIsNotOpenForFlagsThatAreEmpty(t *testing.T) {
	for _, flags := range [][]string{
		{"--web.tls-cert-file=", "--web.tls-key-file="},
		{"--web.tls-cert-file="},
		{"--web.tls-key-file="},
		{"--web.tls-client-ca-file="},
		{"--web.bearer-token-file="},
	} {
		// A server that starts would not end by itself, but for the address.
		args := append([]string{"serve", "--dir=" + t.TempDir(), "--web.listen-address=256.0.0.1:0"}, flags...)
		out, err := command(t, args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "fennelhttp: ") || strings.Contains(string(out), "256.0.0.1") {
			t.Errorf("%q: %v: %s", flags, err, out)
		}
	}
}

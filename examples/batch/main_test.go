package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTextFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "backup.prom")
	if err := run(t.Context(), file, ""); err != nil {
		t.Fatal(err)
	}
	check(t, file, "\nbackup_files 3\n", true)

	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(stopped, file, ""); err == nil {
		t.Error("a backup that was stopped is no error")
	}
	check(t, file, "\nbackup_files 0\n", false)
}

func check(t *testing.T, file, want string, success bool) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), want) || strings.Contains(string(text), "backup_last_success") != success {
		t.Errorf("%v, success %v:\n%s", err, success, text)
	}
}

func TestPush(t *testing.T) {
	requests := make(chan string, 1)
	gateway := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		if n == 0 {
			t.Error("the body is empty")
		}
		requests <- r.Method + " " + r.URL.Path
	}))
	defer gateway.Close()
	if err := run(t.Context(), "", gateway.URL); err != nil {
		t.Fatal(err)
	}
	if got := <-requests; got != "POST /metrics/job/backup" {
		t.Errorf("the gateway got %s", got)
	}
	if err := run(t.Context(), "", ""); err == nil {
		t.Error("metrics that go nowhere are no error")
	}
}

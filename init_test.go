package fennel_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A program that imports these packages and leaves.
const importing = `package main

import (
	_ "github.com/fennelmetrics/fennel"
	_ "github.com/fennelmetrics/fennel/collectors"
	_ "github.com/fennelmetrics/fennel/exposition"
	_ "github.com/fennelmetrics/fennel/fennelhttp"
	_ "github.com/fennelmetrics/fennel/push"
	_ "github.com/fennelmetrics/fennel/textfile"
)

func main() {}
`

func goTool(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it runs the go tool")
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go tool: ", err)
	}
	return tool
}

// What costs nothing until it is used costs nothing at the start either: all tables
// are data.
func TestImportingDoesNoWork(t *testing.T) {
	tool, dir := goTool(t), t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program.exe")
	if err := os.WriteFile(source, []byte(importing), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool, "build", "-buildvcs=false", "-o", program, source).CombinedOutput(); err != nil {
		t.Skipf("can't build a program: %v\n%s", err, out)
	}
	run := exec.Command(program)
	run.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	traced := false
	for line := range strings.Lines(string(out)) {
		traced = traced || strings.HasPrefix(line, "init os ")
		if strings.Contains(line, "/collectors ") && runtime.GOOS != "linux" {
			continue // it asks what the system has, and the time if the system doesn't tell when a program started
		}
		if strings.HasPrefix(line, "init github.com/fennelmetrics/") {
			t.Errorf("work at the start: %s", line)
		}
	}
	if !traced {
		t.Errorf("nothing was traced:\n%s", out)
	}
}

// Package fennel, and what it is made of, needs nothing but the standard library.
func TestNoDependencies(t *testing.T) {
	list := exec.Command(goTool(t), "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".", "./collectors", "./exposition")
	out, err := list.Output()
	if err != nil {
		t.Skip("can't list the dependencies: ", err)
	}
	for line := range strings.Lines(string(out)) {
		if path := strings.TrimSpace(line); path != "" && !strings.HasPrefix(path, "github.com/fennelmetrics/fennel") {
			t.Errorf("%s is linked into every program", path)
		}
	}
}

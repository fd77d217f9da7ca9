package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// measureSizes builds the programs in size/, stripped, and records by how much
// each is larger than the one without metrics.
func measureSizes(dir string, r results) error {
	bare, err := buildSize(dir, "bare")
	if err != nil {
		return err
	}
	for _, p := range columns {
		if p == limit {
			continue
		}
		n, err := buildSize(dir, p)
		if err != nil {
			return err
		}
		r.add("Size/"+p, "B", float64(n-bare))
	}
	return nil
}

func buildSize(dir, name string) (int64, error) {
	bin := filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, "./size/"+name)
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("building size/%s: %w\n%s", name, err, out)
	}
	info, err := os.Stat(bin)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

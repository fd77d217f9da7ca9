// Batch is a job that runs and ends, so that nobody can scrape it: it leaves its
// metrics in a text file, which node_exporter reads, or pushes them to a
// Pushgateway.
//
//	go run ./examples/batch -textfile /tmp/backup.prom
//	go run ./examples/batch -gateway http://localhost:9091
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/push"
	"github.com/fennelmetrics/fennel/textfile"
)

func main() {
	file := flag.String("textfile", "", "write the metrics to this file, whose name ends in .prom")
	gateway := flag.String("gateway", "", "push the metrics to this Pushgateway")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *file, *gateway); err != nil {
		log.Fatal(err)
	}
}

// run does the work and hands over its metrics, also if the work has failed.
func run(ctx context.Context, file, gateway string) error {
	reg := fennel.NewRegistry()
	failed := backup(ctx, reg)
	// The last words of a job are worth waiting for, even if it was interrupted.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return errors.Join(failed, export(last, reg, file, gateway))
}

func export(ctx context.Context, reg *fennel.Registry, file, gateway string) error {
	switch {
	case file != "":
		return textfile.Write(ctx, file, reg)
	case gateway != "":
		group, err := push.New(gateway, "backup", push.Retry(3))
		if err != nil {
			return err
		}
		// Add leaves metrics with other names on the gateway: when a backup fails,
		// the time of the last success stays what it was.
		return group.Add(ctx, reg)
	}
	return errors.New("say where the metrics go: -textfile or -gateway")
}

// backup stands for what the job is for.
func backup(ctx context.Context, reg *fennel.Registry) error {
	in := fennel.In(reg)
	files := fennel.NewGauge("backup_files", "Files in the backup.", in)
	duration := fennel.NewGauge("backup_duration_seconds", "Time that it took.", fennel.Unit("seconds"), in)
	defer duration.Timer().Stop()
	for n := range 3 {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("backup: stopped after %d files: %w", n, err)
		}
		files.Inc()
	}
	// Declared only now: a backup that failed has no such time.
	fennel.NewGauge("backup_last_success_timestamp_seconds", "When it last succeeded.", in).SetToCurrentTime()
	return nil
}

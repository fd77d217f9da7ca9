// Package textfile writes metrics into a file for node_exporter's textfile
// collector.
//
// It is for what runs on a machine that is scraped anyway, and is not there when
// somebody comes to scrape it: cron jobs, backups, scripts.
//
//	err := textfile.Write(ctx, "/var/lib/node_exporter/backup.prom", reg)
//
// A program that stays writes again and again, and once more when it ends:
//
//	err := textfile.Run(ctx, path, reg, textfile.Every(time.Minute))
//
// # What a reader sees
//
// The old file or the new one, whole, whatever happens to the program or to the
// machine: the text goes into a temporary file in the same directory, which then
// takes the place of the old one in one step. Both steps are on the disk before
// Write returns, as far as the file system can do that. Of several writers to one
// path the last counts, and no text is a mix of two.
//
// Whatever goes wrong, a full disk say, the old file stays as it was. The
// temporary file is removed; only a program that is killed leaves one. Its name
// begins with a dot and ends in .tmp, so that node_exporter doesn't read it, and
// a later [Write] to the same path removes it when it is an hour old.
//
// The file can be read by everybody, whatever the umask is; [Mode] changes that.
// A symbolic link in its place is replaced and not followed: in a directory in
// which others may write, a link must not lead a program of root elsewhere.
//
// # What node_exporter takes
//
// Text 0.0.4, which has no native histograms, no exemplars and no times of
// creation. Names outside of letters, digits, underscores and colons are written
// with underscores: node_exporter, as of version 1.12, refuses a file that has
// others in quotes; [Escaping] is for readers that can do more. It refuses files
// with timestamps, too, and so does Write. A family that two files have needs the
// same help in both.
//
// The labels job and instance are those of node_exporter; a series that has one
// of these gets it back as exported_job and exported_instance, unless Prometheus
// scrapes with honor_labels. The metric node_textfile_mtime_seconds tells how old
// a file is, by which one finds a job that has stopped.
package textfile

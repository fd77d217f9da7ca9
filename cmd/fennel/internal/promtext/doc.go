// Package promtext reads metrics in Prometheus' text format 0.0.4, checks them
// strictly, and lets them be gathered like those of a registry.
//
// [Parse] takes what a file may hold by the format's specification, and quoted
// names as of version 1.0.0. It refuses what some reader would: a last line
// without its end, which is half a file, lines that end in CR LF, a type that comes
// after its samples, a histogram whose counts fall or whose +Inf is missing, a
// negative counter, a series that is there twice. It is generous in one thing: the
// samples of a family may stand apart, as scripts like to write them.
//
// [Join] puts files together into one [Set], which is a [fennel.Gatherer]: it can be
// pushed, served and written in all formats.
//
// All series of a histogram must have the same buckets, and those of a summary the
// same quantiles. The format doesn't ask for that, but all client libraries write
// it so.
package promtext

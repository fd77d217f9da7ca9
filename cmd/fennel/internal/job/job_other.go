//go:build !unix

package job

import "os"

var forwarded = []os.Signal{os.Interrupt}

var dropped []os.Signal

// fromTerminal reports true: a console sends its signals to all processes that
// share it, and other signals there are none.
func fromTerminal(os.Signal) bool { return true }

func status(s *os.ProcessState) int { return s.ExitCode() }

func maxResident(*os.ProcessState) int64 { return 0 }

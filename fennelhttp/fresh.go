package fennelhttp

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// freshConns are the connections on which no request has begun, those in the
// middle of a handshake among them. A server that shuts down would wait for
// their clients, though there is nothing to finish.
type freshConns struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// note is called by the server at each change of a connection's state.
func (f *freshConns) note(conn net.Conn, state http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if state != http.StateNew {
		delete(f.conns, conn)
		return
	}
	if f.conns == nil {
		f.conns = make(map[net.Conn]struct{})
	}
	f.conns[conn] = struct{}{}
}

// closeAfter closes what is still fresh after this time, unless it is stopped.
func (f *freshConns) closeAfter(d time.Duration) (stop func()) {
	timer := time.AfterFunc(d, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for conn := range f.conns {
			conn.Close()
		}
	})
	return func() { timer.Stop() }
}

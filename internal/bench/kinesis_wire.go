package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// A wire is a transport over loopback that counts what passes, headers too.
type wire struct {
	http.Transport
	bytes atomic.Int64
}

func newWire() *wire {
	w := &wire{}
	w.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return countedConn{conn, &w.bytes}, nil
	}
	w.MaxIdleConnsPerHost, w.MaxConnsPerHost = sdkWorkers*4, sdkWorkers*4
	return w
}

type countedConn struct {
	net.Conn
	bytes *atomic.Int64
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

func (c countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.bytes.Add(int64(n))
	return n, err
}

// readBodies has a transport read requests' bodies instead of having them written: smithy-go closes them while they are
// written, and the connection is lost. This library cures that itself.
type readBodies struct{ http.RoundTripper }

func (t readBodies) RoundTrip(r *http.Request) (*http.Response, error) {
	plain := *r
	if r.Body != nil && r.Body != http.NoBody {
		plain.Body = struct{ io.ReadCloser }{r.Body}
	}
	return t.RoundTripper.RoundTrip(&plain)
}

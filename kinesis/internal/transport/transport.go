// Package transport carries requests to Amazon's services over HTTP.
package transport

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// Bounds of a transport made by New.
const (
	dialTime  = 10 * time.Second // of TCP; as long again for TLS
	keepAlive = 30 * time.Second
	idleTime  = 90 * time.Second // a connection that nobody uses is kept so long
	pingAfter = 15 * time.Second // without a frame: the server is asked whether it is there
	pingTime  = 10 * time.Second // and has so long to answer
	// A subscription of enhanced fan-out occupies a stream of an HTTP/2 connection, of which servers allow 100 and more. Only
	// HTTP/1.1, which emulators speak, needs a connection for each request under way.
	maxConns     = 512
	maxIdleConns = 64
	maxHeaders   = 1 << 16 // bytes
)

// New makes a transport for Amazon's services: HTTP/2 where the server speaks it, a bounded number of connections, and pings
// on a silent one, so that a dead peer is found in 25 seconds and not in the minutes that TCP takes. It limits the time of no
// request: the caller's context does, and a subscription lasts for minutes. CloseIdleConnections ends it.
func New() *http.Transport {
	dialer := &net.Dialer{Timeout: dialTime, KeepAlive: keepAlive}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTime},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTime,
		ExpectContinueTimeout:  time.Second,
		MaxConnsPerHost:        maxConns,
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConns,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: maxHeaders,
	}
}

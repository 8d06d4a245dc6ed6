package fakekinesis

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
)

// Handler serves the service over real HTTP. Where the script breaks a connection, the connection is broken.
func (s *Server) Handler() http.Handler { return Serve(s.RoundTripper()) }

// Serve makes a handler of a service's transport.
func Serve(rt http.RoundTripper) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		resp, err := rt.RoundTrip(req)
		if err != nil {
			panic(http.ErrAbortHandler) // the only way in which a handler can break its connection
		}
		defer resp.Body.Close()
		maps.Copy(w.Header(), resp.Header)
		if resp.ContentLength >= 0 {
			w.Header().Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10)) // the service tells it
		}
		w.WriteHeader(resp.StatusCode)
		if err := pass(w, resp.Body, resp.ContentLength < 0); err != nil {
			panic(http.ErrAbortHandler)
		}
	})
}

// pass copies a body, and each part of it at once if it is live.
func pass(w http.ResponseWriter, body io.Reader, live bool) error {
	if !live {
		_, err := io.Copy(w, body)
		return err
	}
	control := http.NewResponseController(w)
	part := make([]byte, 64<<10)
	for {
		n, err := body.Read(part)
		if n > 0 {
			if _, werr := w.Write(part[:n]); werr != nil {
				return werr
			}
			if ferr := control.Flush(); ferr != nil {
				return ferr
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

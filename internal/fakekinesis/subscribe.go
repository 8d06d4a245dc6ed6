package fakekinesis

import (
	"net/http"
	"time"
)

type consumer struct{}

type subscription struct{}

func (s *Server) open(req *http.Request, sub *subscription, now time.Time) *http.Response { return nil }

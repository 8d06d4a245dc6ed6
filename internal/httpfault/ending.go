package httpfault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ending reads a subscription's events, and makes the last one of a closed shard.
type ending struct {
	body    io.Reader
	lineage *lineage
	closed  bool   // the shard was closed before the wait for the next event
	over    bool   // the last event was made
	last    string // its payload
	left    []byte // of the event that is being read
}

func (e *ending) Read(b []byte) (int, error) {
	if len(e.left) == 0 {
		if e.over {
			return 0, io.EOF
		}
		if err := e.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, e.left)
	e.left = e.left[n:]
	return n, nil
}

// fresh is how long the wait for an event must be for it to have been made after the wait began. Kinesis-local makes one
// each second; what a slow client has left in the buffers is there at once.
const fresh = 100 * time.Millisecond

// next reads an event, and looks for the shard's children where it has no records.
func (e *ending) next() error {
	began := time.Now()
	f, err := readFrame(e.body)
	if err != nil {
		return err
	}
	e.left = f.raw
	old := time.Since(began) < fresh
	var event struct{ Records []json.RawMessage }
	if f.headers[":event-type"] != shardEvent || json.Unmarshal(f.payload, &event) != nil || len(event.Records) > 0 {
		return nil
	}
	switch {
	case !e.closed:
		e.last, e.closed = e.lineage.end()
	case !old:
		e.over = true
		e.left = makeFrame(shardEvent, "application/json", e.last)
	}
	return nil
}

// lineage asks for the shards of a stream.
type lineage struct {
	next  http.RoundTripper
	req   *http.Request // of the subscription
	asked subscription
}

// listed is what ListShards says of a shard.
type listed struct {
	ID       string `json:"ShardId"`
	Parent   string `json:"ParentShardId"`
	Adjacent string `json:"AdjacentParentShardId"`
	Range    struct {
		First string `json:"StartingHashKey"`
		Last  string `json:"EndingHashKey"`
	} `json:"HashKeyRange"`
	Numbers struct {
		Last string `json:"EndingSequenceNumber"`
	} `json:"SequenceNumberRange"`
}

// end returns the payload of the shard's last event; false if the shard is open, or nobody knows.
func (l *lineage) end() (payload string, closed bool) {
	shards, err := l.list()
	if err != nil {
		return "", false // the next event asks again
	}
	var children []string
	for _, s := range shards {
		closed = closed || s.ID == l.asked.ShardID && s.Numbers.Last != ""
		parents := slices.DeleteFunc([]string{s.Parent, s.Adjacent}, func(id string) bool { return id == "" })
		if slices.Contains(parents, l.asked.ShardID) {
			children = append(children, fmt.Sprintf(
				`{"ShardId":%q,"ParentShards":%s,"HashKeyRange":{"StartingHashKey":%q,"EndingHashKey":%q}}`,
				s.ID, marshal(parents), s.Range.First, s.Range.Last))
		}
	}
	return fmt.Sprintf(`{"Records":[],"MillisBehindLatest":0,"ChildShards":[%s]}`, strings.Join(children, ",")), closed
}

// maxPages bounds a listing: 100 shards are on a page.
const maxPages = 100

// list returns all shards of the stream.
func (l *lineage) list() ([]listed, error) {
	arn, _, _ := strings.Cut(l.asked.ConsumerARN, "/consumer/")
	ask := map[string]string{"StreamARN": arn}
	var all []listed
	for range maxPages {
		var page struct {
			Shards    []listed
			NextToken string
		}
		if err := l.call(ask, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Shards...)
		if page.NextToken == "" {
			return all, nil
		}
		ask = map[string]string{"NextToken": page.NextToken}
	}
	return nil, fmt.Errorf("httpfault: over %d pages of shards", maxPages)
}

// call asks ListShards as the client that subscribed: an emulator does not look at signatures.
func (l *lineage) call(in, out any) error {
	req := l.req.Clone(l.req.Context())
	body := marshal(in)
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	req.Header.Set("X-Amz-Target", "Kinesis_20131202.ListShards")
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Del("Content-Length")
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // read or given up
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("httpfault: shards: %s", resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

package tcpfault_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/tcpfault"
)

func wait(t *testing.T, f *tcpfault.Fault) {
	t.Helper()
	select {
	case <-f.Fired():
	case <-time.After(patience):
		require.Fail(t, "the fault never fired")
	}
}

func TestForwardsBothWaysWithoutRules(t *testing.T) {
	s, p := through(t)
	c := dial(t, p)
	c.works(tcpfault.Produce, "one")
	c.works(tcpfault.Fetch, strings.Repeat("large", 100_000))
	require.Equal(t, []int16{tcpfault.Produce, tcpfault.Fetch}, s.seen())
	require.Equal(t, 1, p.Conns())
}

func TestResetKeepsTheRequestFromTheServer(t *testing.T) {
	s, p := through(t)
	f := p.Set(tcpfault.Rule{Kind: tcpfault.Reset, Keys: []int16{tcpfault.Produce}})
	c := dial(t, p)
	c.works(tcpfault.Metadata, "free")
	_, err := c.call(tcpfault.Produce, "record")
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.EqualValues(t, 1, f.Hits())
	require.Equal(t, []int16{tcpfault.Metadata}, s.seen())
	f.Remove()
	dial(t, p).works(tcpfault.Produce, "record")
}

func TestLostReplyWasApplied(t *testing.T) {
	s, p := through(t)
	f := p.Set(tcpfault.Rule{Kind: tcpfault.LoseReply, Keys: []int16{tcpfault.Produce}, Times: 1})
	c := dial(t, p)
	c.works(tcpfault.Metadata, "free")
	_, err := c.call(tcpfault.Produce, "record")
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.Equal(t, []int16{tcpfault.Metadata, tcpfault.Produce}, s.seen())
	dial(t, p).works(tcpfault.Produce, "record")
	require.EqualValues(t, 1, f.Hits())
}

func TestRequestWithoutReplyDoesNotConfuseKeys(t *testing.T) {
	_, p := through(t)
	f := p.Set(tcpfault.Rule{Kind: tcpfault.LoseReply, Keys: []int16{tcpfault.Produce}})
	c := dial(t, p)
	c.send(tcpfault.Produce, "no answer")
	c.works(tcpfault.Fetch, "answered")
	require.Zero(t, f.Hits())
}

func TestSkipAndTimesChooseMatches(t *testing.T) {
	s, p := through(t)
	f := p.Set(tcpfault.Rule{Kind: tcpfault.Reset, Keys: []int16{tcpfault.Produce}, Skip: 2, Times: 1})
	c := dial(t, p)
	c.works(tcpfault.Produce, "1")
	c.works(tcpfault.Produce, "2")
	_, err := c.call(tcpfault.Produce, "3")
	require.Error(t, err)
	dial(t, p).works(tcpfault.Produce, "4")
	require.EqualValues(t, 1, f.Hits())
	require.Len(t, s.seen(), 3)
}

func TestRuleOfOneConnectionSparesOthers(t *testing.T) {
	_, p := through(t)
	p.Set(tcpfault.Rule{Kind: tcpfault.Reset, Conn: 2})
	first := dial(t, p)
	first.works(tcpfault.Produce, "first")
	_, err := dial(t, p).call(tcpfault.Produce, "second")
	require.Error(t, err)
	first.works(tcpfault.Produce, "first again")
}

func TestDelayHoldsTheChosenKeyBack(t *testing.T) {
	const delay = 100 * time.Millisecond
	for _, side := range []tcpfault.Side{tcpfault.Requests, tcpfault.Responses, tcpfault.Both} {
		_, p := through(t)
		f := p.Set(tcpfault.Rule{Kind: tcpfault.Delay, Delay: delay, Side: side, Keys: []int16{tcpfault.EndTxn}})
		c := dial(t, p)
		c.works(tcpfault.Produce, "free")
		require.Zero(t, f.Hits())
		hits := int64(1)
		if side == tcpfault.Both {
			hits = 2
		}
		at := time.Now()
		c.works(tcpfault.EndTxn, "late")
		require.GreaterOrEqual(t, time.Since(at), time.Duration(hits)*delay)
		require.Equal(t, hits, f.Hits())
	}
}

func TestBlackHoleStallsUntilHealed(t *testing.T) {
	s, p := through(t)
	old := dial(t, p)
	old.works(tcpfault.Produce, "before")
	f := p.Set(tcpfault.Rule{Kind: tcpfault.BlackHole})
	old.send(tcpfault.Fetch, "during")
	wait(t, f)
	young := dial(t, p)
	young.send(tcpfault.Metadata, "during")
	require.True(t, old.silent())
	require.True(t, young.silent())
	require.Equal(t, []int16{tcpfault.Produce}, s.seen())
	f.Remove()
	for _, c := range []*client{old, young} {
		answer, err := c.receive()
		require.NoError(t, err)
		require.Equal(t, "during", answer)
	}
}

func TestOneWayBlackHoleLetsRequestsIn(t *testing.T) {
	_, p := through(t)
	f := p.Set(tcpfault.Rule{Kind: tcpfault.BlackHole, Side: tcpfault.Responses})
	c := dial(t, p)
	c.send(tcpfault.Produce, "stored")
	wait(t, f) // the answer reached the proxy
	require.True(t, c.silent())
	p.Heal()
	answer, err := c.receive()
	require.NoError(t, err)
	require.Equal(t, "stored", answer)
}

func TestResetWakesAStalledConnection(t *testing.T) {
	_, p := through(t)
	f := p.Set(tcpfault.Rule{Kind: tcpfault.BlackHole})
	c := dial(t, p)
	wait(t, f)
	require.Equal(t, 1, p.Reset())
	_, err := c.receive()
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestLimitSlowsDown(t *testing.T) {
	_, p := through(t)
	const size = 10_000
	f := p.Set(tcpfault.Rule{Kind: tcpfault.Limit, Side: tcpfault.Responses, Bytes: 50_000})
	c := dial(t, p)
	at := time.Now()
	c.works(tcpfault.Fetch, strings.Repeat("x", size))
	require.GreaterOrEqual(t, time.Since(at), size*time.Second/50_000)
	require.Positive(t, f.Hits())
}

func TestSliceKeepsAllBytes(t *testing.T) {
	_, p := through(t)
	f := p.Set(tcpfault.Rule{Kind: tcpfault.Slice, Bytes: 1})
	lost := p.Set(tcpfault.Rule{Kind: tcpfault.LoseReply, Keys: []int16{tcpfault.EndTxn}})
	c := dial(t, p)
	for range 20 {
		c.works(tcpfault.Fetch, "in tiny pieces, one byte each")
	}
	require.Positive(t, f.Hits())
	_, err := c.call(tcpfault.EndTxn, "key found in pieces")
	require.Error(t, err)
	require.EqualValues(t, 1, lost.Hits())
}

func TestFramesAreFoundInSlicedInput(t *testing.T) {
	s, p := through(t)
	f := p.Set(tcpfault.Rule{Kind: tcpfault.Reset, Keys: []int16{tcpfault.EndTxn}})
	c := dial(t, p)
	slowly := func(request []byte) error {
		for _, b := range request {
			if _, err := c.conn.Write([]byte{b}); err != nil {
				return err
			}
		}
		return nil
	}
	require.NoError(t, slowly(request(tcpfault.Produce, 1, "one")))
	answer, err := c.receive()
	require.NoError(t, err)
	require.Equal(t, "one", answer)
	if err := slowly(request(tcpfault.EndTxn, 2, "two")); err == nil { // the reset may come before the last bytes
		_, err = c.receive()
		require.Error(t, err)
	}
	wait(t, f)
	require.Equal(t, []int16{tcpfault.Produce}, s.seen())
}

func TestTruncateEndsInTheMiddleOfAFrame(t *testing.T) {
	_, p := through(t)
	p.Set(tcpfault.Rule{Kind: tcpfault.Truncate, Side: tcpfault.Responses, Keys: []int16{tcpfault.Fetch}, Bytes: 10})
	c := dial(t, p)
	c.works(tcpfault.Produce, "whole")
	c.send(tcpfault.Fetch, "only a part of this arrives")
	got, err := io.ReadAll(c.conn)
	require.NoError(t, err)
	require.Len(t, got, 10)
}

func TestCutOffRefusesUntilHealed(t *testing.T) {
	_, p := through(t)
	c := dial(t, p)
	c.works(tcpfault.Produce, "before")
	f := p.Set(tcpfault.Rule{Kind: tcpfault.CutOff})
	_, err := c.receive()
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.EqualValues(t, 1, f.Hits())
	refused(t, p)
	f.Remove()
	f.Remove()
	dial(t, p).works(tcpfault.Produce, "after")
}

func TestUnreachableTargetResets(t *testing.T) {
	s, p := through(t)
	s.close()
	refused(t, p)
}

// refused fails the test unless a new connection is reset.
func refused(t *testing.T, p *tcpfault.Proxy) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", p.Addr(), patience)
	if err == nil {
		defer conn.Close()
		require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
		_, err = conn.Read(make([]byte, 1))
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestOtherProtocolsPass(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer listener.Close()
	wg.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.Copy(conn, conn)
	})
	p, err := tcpfault.Listen(listener.Addr().String())
	require.NoError(t, err)
	defer p.Close()
	f := p.Set(tcpfault.Rule{Kind: tcpfault.Reset, Keys: []int16{0x6c6c, 0x2020}})
	c := dial(t, p)
	for _, text := range []string{"a", "hello, this is no frame", strings.Repeat("     ", 50_000)} {
		_, err := c.conn.Write([]byte(text))
		require.NoError(t, err)
		echo := make([]byte, len(text))
		_, err = io.ReadFull(c.conn, echo)
		require.NoError(t, err)
		require.True(t, bytes.Equal([]byte(text), echo))
	}
	require.Zero(t, f.Hits())
	require.NoError(t, c.conn.(*net.TCPConn).CloseWrite())
	_, err = c.conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "an orderly end comes back in order")
}

func TestCloseEndsStalledConnections(t *testing.T) {
	_, p := through(t)
	f := p.Set(tcpfault.Rule{Kind: tcpfault.BlackHole})
	slow := p.Set(tcpfault.Rule{Kind: tcpfault.Delay, Delay: time.Hour})
	c := dial(t, p)
	wait(t, f)
	f.Remove()
	c.send(tcpfault.Produce, "delayed for ever")
	wait(t, slow)
	p.Close()
	p.Close()
	_, err := c.receive()
	require.Error(t, err)
}

func TestRuleThatMeansNothingPanics(t *testing.T) {
	_, p := through(t)
	for _, r := range []tcpfault.Rule{
		{},
		{Kind: tcpfault.Limit},
		{Kind: tcpfault.Slice},
		{Kind: tcpfault.Delay},
		{Kind: tcpfault.CutOff, Keys: []int16{1}},
		{Kind: tcpfault.LoseReply, Side: tcpfault.Requests},
		{Kind: tcpfault.Reset, Times: -1},
	} {
		require.Panics(t, func() { p.Set(r) }, "%+v", r)
	}
}

func TestRulesMayChangeWhileTrafficFlows(t *testing.T) {
	_, p := through(t)
	var wg sync.WaitGroup
	for range 4 {
		c := dial(t, p)
		wg.Go(func() {
			for range 200 {
				answer, err := c.call(tcpfault.Produce, "busy")
				if err != nil || answer != "busy" {
					t.Errorf("answer %q, %v", answer, err)
					return
				}
			}
		})
	}
	for range 50 {
		p.Set(tcpfault.Rule{Kind: tcpfault.BlackHole})
		p.Set(tcpfault.Rule{Kind: tcpfault.Slice, Bytes: 3})
		p.Heal()
	}
	wg.Wait()
}

package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMeterMeasuresTheMiddle(t *testing.T) {
	m := newMeter(10 * chunk)
	a, b := m.tap(), m.tap()
	value := []byte("0123456789abcdef")
	for range 5 * chunk {
		a.add(value)
		b.addShared(value)
	}
	require.NoError(t, m.wait(t.Context()))
	cost, err := m.cost(digest(value) * 10 * chunk)
	require.NoError(t, err)
	require.Positive(t, cost.Nanos)
	_, err = m.cost(digest(value))
	require.Error(t, err)
}

func TestMeterEndsWithTheFirstFault(t *testing.T) {
	m, broken := newMeter(chunk), errors.New("broken")
	m.fail(nil)
	m.fail(broken)
	m.fail(errors.New("later"))
	require.ErrorIs(t, m.wait(t.Context()), broken)
}

func TestMeterShowsEveryRecordToEach(t *testing.T) {
	m, n := newMeter(chunk), 0
	m.each = func([]byte) { n++ }
	tap := m.tap()
	for range chunk {
		tap.add([]byte("value"))
	}
	require.Equal(t, chunk, n)
}

package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Every side brings what is sent, again and again, and closes.
func TestSidesBringWhatIsSent(t *testing.T) {
	l := newLoad(50, valueBytes)
	o := Options{Records: 50, Smoke: true, Repetitions: 1}
	for _, s := range throughputSides(o) {
		t.Run(s.name, func(t *testing.T) {
			session, err := s.open(t.Context(), l)
			require.NoError(t, err)
			for rounds := range 3 {
				require.NoError(t, session.move(t.Context(), rounds+1))
			}
			require.NoError(t, session.close(t.Context()))
		})
	}
}

package captable_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/captable"
	"github.com/streamport-go/streamport/stream"
)

func columns() []captable.Column {
	no := func(reason string) stream.Flag {
		return stream.Flag{Support: stream.None, Source: stream.Declared, Reason: reason}
	}
	return []captable.Column{
		{Name: "one", Capabilities: stream.Capabilities{
			KeyOrder:  stream.Flag{Support: stream.Native},
			Retention: stream.Retention{Unlimited: true, Reason: "a | b"},
		}},
		{Name: "two", Capabilities: stream.Capabilities{
			KeyOrder: no("no keys"), Headers: no("no keys"), NilKeys: no("first"),
			Retention: stream.Retention{Current: 24 * time.Hour},
		}},
	}
}

func TestMarkdownHasEveryCapabilityAndNumbersReasonsOnce(t *testing.T) {
	text := captable.Markdown(columns())
	require.True(t, strings.HasPrefix(text, "| capability | one | two |\n|---|---|---|\n"), text)
	for name := range (stream.Capabilities{}).All() {
		require.Contains(t, text, "\n| "+name+" |")
	}
	require.Contains(t, text, "| KeyOrder | native | none [1] |\n")
	require.Contains(t, text, "| NilKeys | unknown | none [2] |\n")
	require.Contains(t, text, "| Headers | unknown | none [1] |\n")
	require.Contains(t, text, "| Retention | unlimited [3] | 24h |\n")
	require.True(t, strings.HasSuffix(text, "\n\n1. no keys\n2. first\n3. a \\| b\n"), text)
	require.Equal(t, text, captable.Markdown(columns()))
}

func TestReplaceIsIdempotent(t *testing.T) {
	document := []byte("head\n<!-- captable: begin -->\nold\n<!-- captable: end -->\ntail\n")
	once, err := captable.Replace(document, "| new |\n")
	require.NoError(t, err)
	require.Equal(t, "head\n<!-- captable: begin -->\n\n| new |\n\n<!-- captable: end -->\ntail\n", string(once))
	twice, err := captable.Replace(once, "| new |\n")
	require.NoError(t, err)
	require.Equal(t, string(once), string(twice))
}

func TestReplaceRefusesDocumentsWithoutItsMarkers(t *testing.T) {
	const begin, end = "<!-- captable: begin -->\n", "<!-- captable: end -->\n"
	for _, document := range []string{"", begin, end, end + begin, begin + end + begin, begin + end + end} {
		_, err := captable.Replace([]byte(document), "")
		require.Error(t, err, document)
	}
}

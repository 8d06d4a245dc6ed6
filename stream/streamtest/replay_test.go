package streamtest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIsReplay(t *testing.T) {
	want := strings.Split("abcdef", "")
	for have, is := range map[string]bool{
		"abcdef": true, "aabcdef": true, "abcdeff": true, "abcabcdef": true, "abcbcdefef": true, "ababacdef": false,
		"": false, "abcde": false, "abdcef": false, "acbdef": false, "abcdefa": false, "abcdecf": false, "xabcdef": false,
	} {
		require.Equal(t, is, isReplay(want, strings.Split(have, "")), have)
	}
}

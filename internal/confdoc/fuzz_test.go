package confdoc_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/confdoc"
)

// requireSound checks what holds of every input: messages are printable, of one line and bounded, and what was read
// without a mistake is read again from what is written.
func requireSound(t *testing.T, root *confdoc.Node, mistakes []confdoc.Mistake) {
	t.Helper()
	d := confdoc.NewDecoder(schema(), environment("A", "1"))
	d.Add(mistakes...)
	var s service
	if root != nil {
		d.Decode(root, &s)
	}
	for _, m := range d.Mistakes() {
		require.NotEmpty(t, m.Message)
		require.NotContains(t, m.Message+m.Name(), "\n")
		require.Less(t, len(m.Message), 2000)
	}
	if root == nil || len(d.Mistakes()) > 0 {
		return
	}
	encoded, err := schema().Encode(s)
	require.NoError(t, err)
	if text, err := encoded.JSON(); err == nil && strings.Contains(string(text), `"***"`) {
		return // secrets are not read back
	}
	again, found := confdoc.ConvertYAML(encoded.YAML(), "")
	require.Empty(t, found)
	d = confdoc.NewDecoder(schema(), environment())
	var back service
	d.Decode(again, &back)
	require.Empty(t, d.Mistakes())
	text, err := encoded.JSON()
	require.NoError(t, err)
	encoded, err = schema().Encode(back)
	require.NoError(t, err)
	twice, err := encoded.JSON()
	require.NoError(t, err)
	require.Equal(t, string(text), string(twice))
}

func FuzzYAML(f *testing.F) {
	for _, text := range []string{
		"", "name: x", "name: ${A}\ncount: ${B:-3}", "routes: [a:1, {name: b, parts: 2}]", "a: &a [*a]", "<<: {}", "linger: 7d",
		"max_bytes: 1.5MiB\nbuffer: 64KiB", "labels: {a: b, a: c}", "password: {file: x}", "password: x", "? [a]\n: b", "--- x\n--- y",
		"name: \"\\u0000\\n\"", "tls: {key: {env: A}}", "!!binary x", "keep: forever", "rate: 1e-3", "brokers: ['', ~]", "name: 'a\u2028b'",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), "file") {
			return // it may name a file to read a secret from
		}
		root, mistakes := confdoc.ParseYAML(data, "f.yaml")
		requireSound(t, root, mistakes)
	})
}

func FuzzJSON(f *testing.F) {
	for _, text := range []string{
		"", "{}", `{"name":"x","count":3}`, `{"name":"x","name":"y"}`, `{"tls":{"key":{"env":"A"}}}`, "[[[[", `{"a":`, "{} {}", `{"name":null}`,
		`{"labels":{"a":"\ud83d\ude00"}}`, `{"rate":1e400}`, `{"routes":["a:1",{"name":"b"}]}`, `"\ud800"`, "{\n\n\"linger\":5}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), "file") || strings.Contains(string(data), `\u`) && strings.Contains(string(data), "ile") {
			return // it may name a file to read a secret from
		}
		root, mistakes := confdoc.ParseJSON(data, "f.json")
		requireSound(t, root, mistakes)
	})
}

func FuzzURL(f *testing.F) {
	for _, text := range []string{
		"", "svc:", "svc://h:1,i:2/p?name=x", "svc:?name=a&name=b", "svc:?tls.key=${A}", "svc://u:p@h", "svc:?%zz", "svc:?a.b.c.d=1&a=2",
		"svc:?brokers=a,b&routes=x:1,y", "svc:?linger=1d&max_bytes=10MB", "SVC:#", "svc:?name=%00%0a", "svc:?password=x", "svc:??=?",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if strings.Contains(raw, "file") || strings.Contains(raw, "%") {
			return // it may name a file to read a secret from
		}
		url, mistakes := confdoc.ParseURL(raw)
		if strings.Contains(raw, "@") {
			require.NotEmpty(t, mistakes)
		}
		requireSound(t, url.Query, mistakes)
	})
}

func FuzzVariables(f *testing.F) {
	f.Add("SVC_NAME=x", "SVC_TLS_KEY_FIL=y")
	f.Add("SVC_ROUTES=a:1,b", "SVC_ROUTES=c")
	f.Add("SVC_PASSWORD=x", "SVC_")
	f.Fuzz(func(t *testing.T, one, two string) {
		if strings.Contains(one+two, "FILE") {
			return // it may name a file to read a secret from
		}
		root := &confdoc.Node{Kind: confdoc.Map}
		d := confdoc.NewDecoder(schema(), environment())
		d.Override(root, reflect.TypeFor[service](), "SVC_", []string{one, two})
		requireSound(t, root, d.Mistakes())
	})
}

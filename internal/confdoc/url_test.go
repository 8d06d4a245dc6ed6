package confdoc_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/confdoc"
)

func TestURLsAreTakenApart(t *testing.T) {
	for raw, want := range map[string][3]string{
		"memory:":                {"memory", "", ""},
		"MEMORY://":              {"memory", "", ""},
		"kafka://a:1,b:2/x%2Fy":  {"kafka", "a:1,b:2", "x/y"},
		"kafka://[::1]:9092?x=1": {"kafka", "[::1]:9092", ""},
	} {
		url, mistakes := confdoc.ParseURL(raw)
		require.Empty(t, mistakes, raw)
		require.Equal(t, want, [3]string{url.Scheme, url.Host, url.Path}, raw)
	}
}

func TestQueriesAreDecoded(t *testing.T) {
	url, mistakes := confdoc.ParseURL("svc:?name=a+b%26&brokers=x,y&routes=r:4,s&tls.ca_file=f&tls.key=${K}&password.env=P&seed=0")
	s, found := readTree(url.Query, mistakes, "K", "k", "P", "p")
	require.Empty(t, found)
	require.Equal(t, "a b&", s.Name)
	require.Equal(t, []string{"x", "y"}, s.Brokers)
	require.Equal(t, []route{{"r", 4}, {"s", 0}}, s.Routes)
	require.Equal(t, "f", s.TLS.CAFile)
	require.Equal(t, "k", s.TLS.Key.Reveal())
	require.Equal(t, "p", s.Password.Reveal())
}

func TestMistakesInURLs(t *testing.T) {
	for raw, want := range map[string]string{
		"":                      "must begin with the name of a backend",
		"//x":                   "must begin with the name of a backend",
		"1x:":                   "must begin with the name of a backend",
		"a b:":                  "must begin with the name of a backend",
		"svc:name":              "write svc://host, or svc:?key=value",
		"svc://h#f":             "a # has no meaning here",
		"svc:?name=x#f":         "a # has no meaning here",
		"svc://h/%zz":           "the path has a % that is no escape",
		"svc:?name=%zz":         "name: the value has a % that is no escape",
		"svc:?%zz=1":            "key that is empty or wrongly escaped",
		"svc:?=1":               "key that is empty or wrongly escaped",
		"svc:?&":                "key that is empty or wrongly escaped",
		"svc:?name":             "name: has no value",
		"svc:?name=":            "name: is empty",
		"svc:?name=a;count=1":   "name: pairs are separated by &",
		"svc:?name=a&name=b":    "name: written twice",
		"svc:?tls=a&tls.key=b":  "tls.key: another key stands in its way",
		"svc:?tls.key=b&tls=a":  "tls: another key stands in its way",
		"svc:?nam=x":            "nam: unknown key; did you mean name?",
		"svc:?tls.cafile=x":     "tls.cafile: unknown key; did you mean ca_file?",
		"svc:?linger=-1s":       `linger: "-1s": out of range`,
		"svc:?password=hunter2": "password: a secret does not stand in a URL",
		"svc:?password=a${B}":   "password: a secret does not stand in a URL",
		"svc:?password=${B:-x}": "password: a secret does not stand in a URL",
		"svc:?password=${B}":    "password: environment variable B is not set",
		"svc:?brokers=x,,y":     "brokers: is empty",
		"svc:?labels=x":         "labels: must be a map",
		"svc://u:p@h":           "a URL takes no user and no password",
		"svc:?name=a@b":         "write %40",
	} {
		url, mistakes := confdoc.ParseURL(raw)
		_, found := readTree(url.Query, mistakes)
		require.NotEmpty(t, found, raw)
		require.Contains(t, found[0], want, raw)
	}
}

func TestUserAndPasswordAreNeverRepeated(t *testing.T) {
	const canary = "CANARY5d"
	for _, raw := range []string{
		"svc://user:" + canary + "@h", "svc://" + canary + "@h", "svc://u:" + canary + "?x@h", "svc://u:p?" + canary + "=b@h?c",
		"svc://u:" + canary + "#@h", "svc://u:" + canary + "/@h", canary + ":x@h", "svc:u:" + canary + "@h", canary + "@h",
		"svc:?name=1&password=" + canary, "svc:?password=" + canary + "%zz", "svc:?tls.key=" + canary,
	} {
		url, mistakes := confdoc.ParseURL(raw)
		_, found := readTree(url.Query, mistakes)
		require.NotEmpty(t, found, raw)
		for _, m := range found {
			require.NotContains(t, m, canary, raw)
			require.NotContains(t, m, "canary5d", raw)
		}
	}
}

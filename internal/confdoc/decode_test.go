package confdoc_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/confdoc"
	"github.com/streamport-go/streamport/internal/secret"
)

// service has one field of every kind that a configuration can have.
type service struct {
	Name     string
	Enabled  bool
	Count    int
	Small    uint8
	Offset   int64         `config:"offset,signed"`
	Seed     uint64        `config:",zero"`
	Rate     float64       `config:"rate,max=1"`
	Linger   time.Duration `config:"linger,max=1m"`
	Keep     time.Duration `config:"keep,forever"`
	MaxBytes int64
	Buffer   int `config:"buffer,bytes,min=1KiB,max=1MiB"`
	Color    color
	Password secret.Secret
	Brokers  []string
	Routes   []route
	Labels   map[string]string
	TLS      *tls
	base
	Base
	Hook   func()
	Hidden string `yaml:"-"`
	Off    string `config:"-"`
}

type route struct {
	Name  string
	Parts int
}

type tls struct {
	CAFile string
	Key    secret.Secret
}

type base struct{ Secretive string }

// Base is embedded: its keys are the service's.
type Base struct{ Region string }

type color string

func (c *color) UnmarshalText(text []byte) error {
	if string(text) != "red" {
		return fmt.Errorf("%s is no color", text)
	}
	*c = "red"
	return nil
}

func schema() confdoc.Schema {
	return confdoc.Schema{Short: map[reflect.Type][]string{reflect.TypeFor[route](): {"name", "parts"}}}
}

func environment(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// read decodes YAML with variables, and returns every mistake as "line path: message".
func read(t *testing.T, text string, pairs ...string) (service, []string) {
	t.Helper()
	root, mistakes := confdoc.ParseYAML([]byte(text), "f.yaml")
	return readTree(root, mistakes, pairs...)
}

func readTree(root *confdoc.Node, mistakes []confdoc.Mistake, pairs ...string) (service, []string) {
	d := confdoc.NewDecoder(schema(), environment(pairs...))
	d.Add(mistakes...)
	var s service
	if root != nil {
		var environ []string
		for i := 0; i < len(pairs); i += 2 {
			environ = append(environ, pairs[i]+"="+pairs[i+1])
		}
		d.Override(root, reflect.TypeFor[service](), "SVC_", environ)
		d.Decode(root, &s)
	}
	var all []string
	for _, m := range d.Mistakes() {
		all = append(all, fmt.Sprintf("%d %s: %s", m.Line, m.Name(), m.Message))
	}
	return s, all
}

func TestEveryKindOfFieldIsRead(t *testing.T) {
	const text = `
name: orders
enabled: true
count: 3
small: 255
offset: -7
seed: 0
rate: 0.5
linger: 250ms
keep: forever
max_bytes: 10MB
buffer: 64KiB
color: red
password: hunter2
brokers: [a:1, "b:2"]
routes:
  - x:4
  - {name: y, parts: 2}
labels: {team: a, tier: "1"}
tls:
  ca_file: ca.pem
  key: {env: KEY}
region: eu
`
	s, mistakes := read(t, text, "KEY", "pem")
	require.Empty(t, mistakes)
	require.Equal(t, service{
		Name: "orders", Enabled: true, Count: 3, Small: 255, Offset: -7, Rate: 0.5, Linger: 250 * time.Millisecond, Keep: -1,
		MaxBytes: 10_000_000, Buffer: 64 << 10, Color: "red", Password: secret.New("hunter2"), Brokers: []string{"a:1", "b:2"},
		Routes: []route{{"x", 4}, {"y", 2}}, Labels: map[string]string{"team": "a", "tier": "1"},
		TLS: &tls{CAFile: "ca.pem", Key: secret.New("pem")}, Base: Base{Region: "eu"},
	}, s)
}

func TestMistakesNameLineKeyAndRemedy(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":           {"nam: x", "1 nam: unknown key; did you mean name?"},
		"unknown key far off":   {"zzzzzz: x", "1 zzzzzz: unknown key; known: name, enabled"},
		"key of another level":  {"ca_file: x", "1 ca_file: unknown key; did you mean tls.ca_file?"},
		"unexported embedded":   {"secretive: x", "1 secretive: unknown key"},
		"skipped by yaml tag":   {"hidden: x", "1 hidden: unknown key"},
		"skipped by config tag": {"off: x", "1 off: unknown key"},
		"function":              {"hook: x", "1 hook: unknown key"},
		"duplicate":             {"name: x\ncount: 1\nname: y", "3 name: written twice; the first is in line 1"},
		"duplicate in a table":  {"labels:\n  a: x\n  a: y", "3 labels.a: written twice"},
		"duplicate below":       {"tls:\n  ca_file: x\n  ca_file: y", "3 tls.ca_file: written twice; the first is in line 2"},
		"null":                  {"name:", "1 name: has no value; leave the key out"},
		"tilde":                 {"name: ~", "1 name: has no value"},
		"empty":                 {`name: ""`, "1 name: is empty"},
		"YAML 1.1 bool":         {"enabled: yes", `1 enabled: "yes": must be true or false`},
		"fraction":              {"count: 1.5", `"1.5": must be a whole number`},
		"hexadecimal":           {"count: 0x10", `"0x10": must be a whole number`},
		"underscore":            {"count: 1_000", `"1_000": must be a whole number`},
		"zero":                  {"count: 0", "must be more than 0; leave the key out"},
		"negative":              {"count: -1", "must not be negative"},
		"negative unsigned":     {"seed: -1", "must not be negative"},
		"overflow of a type":    {"small: 256", `"256": out of range: at most 255`},
		"overflow of 64 bits":   {"count: 99999999999999999999", "out of range: at most 9223372036854775807"},
		"many digits":           {"count: " + strings.Repeat("9", 5000), "must be a whole number"},
		"below 64 bits":         {"offset: -99999999999999999999", "out of range: at least -9223372036854775808"},
		"no number":             {"rate: half", `"half": must be a number`},
		"NaN":                   {"rate: .nan", "must be a number"},
		"infinite":              {"rate: 1e999", "must be a number"},
		"rate over its bound":   {"rate: 1.5", "out of range: allowed is at most 1"},
		"negative rate":         {"rate: -0.5", "must not be negative"},
		"no unit":               {"linger: 250", `1 linger: "250": has no unit`},
		"negative duration":     {"linger: -1s", "out of range"},
		"zero duration":         {"linger: 0s", "must be more than 0"},
		"duration over bound":   {"linger: 2m", "out of range: allowed is at most 1m"},
		"forever where not":     {"linger: forever", "a duration is a number with a unit"},
		"overflow of a size":    {"max_bytes: 8388608TiB", "out of range: a size is at least 0 and at most"},
		"exponent in a size":    {"max_bytes: 1e9GiB", "a size is a number of bytes"},
		"case of a unit":        {"max_bytes: 10mb", "did you mean MiB (1048576 bytes) or MB"},
		"size below its bound":  {"buffer: 1000", "out of range: allowed is 1KiB to 1MiB"},
		"size over its bound":   {"buffer: 2MiB", "out of range: allowed is 1KiB to 1MiB"},
		"text of a type":        {"color: blue", `"blue": blue is no color`},
		"list for one value":    {"name: [a]", "1 name: must be one value"},
		"value for a list":      {"brokers: a,b", "1 brokers: must be a list"},
		"value for a map":       {"labels: a", "1 labels: must be a map"},
		"value for a struct":    {"tls: on", "1 tls: must be a map of keys: ca_file, key"},
		"item of a list":        {"routes:\n  - x:1\n  - x:0", `3 routes[1].parts: "0": must be more than 0`},
		"short form too long":   {"routes: ['x:1:2']", "1 routes[0]: has too many colons; the short form is name:parts"},
		"unset variable":        {"name: x\ncount: ${NONE}", "2 count: environment variable NONE is not set"},
		"empty secret":          {`password: ""`, "1 password: the secret is empty"},
		"printed secret":        {`password: "***"`, "1 password: the secret is ***"},
		"secret from nothing":   {"password: {}", "1 password: a secret is one text, {env: NAME} or {file: PATH}"},
		"secret from both":      {"password: {env: A, file: b}", "1 password: a secret is one text"},
		"secret from no file":   {"password: {file: /nonexistent/x}", "1 password: secret file"},
		"secret from no env":    {"password: {env: NONE}", "1 password: environment variable NONE is not set"},
		"secret with a typo":    {"password: {flie: x}", "1 password.flie: unknown key; did you mean file?"},
		"merge key":             {"labels: &b {name: x}\ntls:\n  <<: *b", "3 : merge keys are not supported"},
		"custom tag":            {"name: !mine x", "1 : the tag !mine is not supported"},
		"complex key":           {"? [a]\n: x", "1 : a key must be a plain word"},
		"self reference":        {"labels: &a [*a]", "1 : nested more than 32 deep"},
		"two documents":         {"name: x\n---\nname: y", "0 : not a YAML document: expected single document"},
		"no YAML":               {"name: x\n\t- y", "2 : not a YAML document: found a tab character"},
		"empty document":        {" \n", "0 : the document is empty"},
		"not UTF-8":             {"name: \xff", "0 : the text is not UTF-8"},
		"a list":                {"- a", "1 : must be a map of keys: name"},
		"too large":             {strings.Repeat("#", 1<<20+1), "0 : more than 1048576 bytes"},
		"key with a line end":   {`"a\nb": x`, `1 a\nb: unknown key`},
	} {
		t.Run(name, func(t *testing.T) {
			_, mistakes := read(t, c.text)
			require.NotEmpty(t, mistakes)
			require.Contains(t, mistakes[0], c.want)
		})
	}
}

func TestAMistakeHasNoOtherInItsWake(t *testing.T) {
	s, mistakes := read(t, "nam: x\ncoutn: zwei")
	require.Len(t, mistakes, 3, "the value under a misspelt key is checked as well")
	require.Equal(t, "x", s.Name, "what was meant is assumed for later checks")
}

func TestAliasesAreBounded(t *testing.T) {
	text := "name: x\nlabels:\n  a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := range 9 {
		text += fmt.Sprintf("  %c: &%c [%s]\n", 'b'+i, 'b'+i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", 'a'+i), 9), ","))
	}
	_, mistakes := read(t, text)
	require.Contains(t, strings.Join(mistakes, "\n"), "more than 20000 values")
	s, mistakes := read(t, "name: &n x\nregion: *n")
	require.Empty(t, mistakes)
	require.Equal(t, "x", s.Region)
}

func TestSecretsStandInNoMessage(t *testing.T) {
	const canary = "CANARY-91c2"
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(canary), 0o600))
	for _, text := range []string{
		"count: ${S}", "color: ${S}", "linger: ${S}", "brokers: ${S}", "routes: ['a:${S}']",
		"max_bytes: ${S}", "rate: ${S}", "enabled: ${S}", "password: [${S}]", "password: {env: [" + canary + "]}",
		"password: [" + canary + "]", "unknown: " + canary, "password: {file: " + path + ", x: 1}", "password: '" + canary + "${'",
		"tls: ${S}", "offset: '${S}'",
	} {
		_, mistakes := read(t, text, "S", canary)
		require.NotEmpty(t, mistakes, text)
		require.NotContains(t, strings.Join(mistakes, "\n"), canary, text)
	}
	_, mistakes := read(t, "name: x", "SVC_TLS_KEY", "***", "SVC_PASSWORD", canary, "SVC_PASSWORD_FILE", canary, "SVC_PASWORD", canary)
	require.Len(t, mistakes, 3)
	require.NotContains(t, strings.Join(mistakes, "\n"), canary)
}

func TestJSONIsReadTheSameWay(t *testing.T) {
	root, mistakes := confdoc.ParseJSON([]byte("{\n\"name\": \"\\ud83d\\ude00\", \"count\": 3,\n\"tls\": {\"key\": {\"env\": \"K\"}},\n"+
		"\t\"enabled\": true, \"brokers\": [\"a\\/b\"], \"linger\": \"1s\"}"), "f.json")
	s, found := readTree(root, mistakes, "K", "pem")
	require.Empty(t, found)
	require.Equal(t, service{
		Name: "😀", Count: 3, TLS: &tls{Key: secret.New("pem")}, Enabled: true, Brokers: []string{"a/b"}, Linger: time.Second,
	}, s)
	for text, want := range map[string]string{
		"{\n\"nam\": 1}":                "2 nam: unknown key; did you mean name?",
		"{\"name\":\"x\",\n\"name\":1}": "2 name: written twice; the first is in line 1",
		"{\n\n\"linger\": 250}":         `3 linger: "250": has no unit`,
		"{\"name\": null}":              "1 name: has no value",
		"{\"name\": \"x\",}":            "1 : not a JSON document: invalid character",
		"{\n\"name\": \"x\"":            "2 : not a JSON document: it ends too early",
		"{} {}":                         "1 : not a JSON document: something follows",
		"{name: x}":                     "1 : not a JSON document: invalid character",
		"":                              "0 : the document is empty",
		strings.Repeat("[", 100):        "1 : not a JSON document: nested more than 32 deep",
		"{\"name\": {\"a\": 1}}":        "1 name: must be one value",
		"[]":                            "1 : must be a map of keys",
		"\"\xff\"":                      "0 : the text is not UTF-8",
	} {
		root, mistakes := confdoc.ParseJSON([]byte(text), "f.json")
		_, found := readTree(root, mistakes)
		require.NotEmpty(t, found, text)
		require.Contains(t, found[0], want, text)
	}
}

func TestVariablesOverrideTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte("pem\n"), 0o600))
	s, mistakes := read(t, "name: file\nlinger: wrong\ntls: {ca_file: x, key: [wrong]}\nroutes: [{name: gone}]",
		"SVC_NAME", "${NOT_EXPANDED}", "SVC_LINGER", "2s", "SVC_TLS_KEY_FILE", path, "SVC_BROKERS", "a:1, b:2",
		"SVC_ROUTES", "x:4,y", "SVC_MAX_BYTES", "1MiB", "OTHER", "x", "svc_name", "x")
	require.Empty(t, mistakes)
	require.Equal(t, service{
		Name: "${NOT_EXPANDED}", Linger: 2 * time.Second, TLS: &tls{CAFile: "x", Key: secret.New("pem")}, MaxBytes: 1 << 20,
		Brokers: []string{"a:1", "b:2"}, Routes: []route{{"x", 4}, {"y", 0}},
	}, s)
}

func TestMistakesInVariables(t *testing.T) {
	for name, c := range map[string]struct{ variable, value, want string }{
		"unknown":          {"SVC_NAEM", "x", "0 SVC_NAEM: names no key; did you mean SVC_NAME?"},
		"far off":          {"SVC_QQQQQQ", "x", "0 SVC_QQQQQQ: names no key; known: SVC_NAME, "},
		"map":              {"SVC_LABELS", "x", "names no key"},
		"value":            {"SVC_COUNT", "x", `0 SVC_COUNT: "x": must be a whole number`},
		"empty":            {"SVC_NAME", "", "0 SVC_NAME: is empty"},
		"empty secret":     {"SVC_PASSWORD", "", "0 SVC_PASSWORD: the secret is empty"},
		"secret file":      {"SVC_PASSWORD_FILE", "/nonexistent/x", "0 SVC_PASSWORD_FILE: secret file"},
		"short form":       {"SVC_ROUTES", "x:1,y:z", `0 SVC_ROUTES: "z": must be a whole number`},
		"something in way": {"SVC_TLS_KEY", "x", "0 SVC_TLS_KEY: something that is no map"},
		"service port":     {"SVC_PORT", "9092", "names no key"},
	} {
		t.Run(name, func(t *testing.T) {
			_, mistakes := read(t, "tls: [x]", c.variable, c.value)
			require.Contains(t, strings.Join(mistakes, "\n"), c.want)
		})
	}
}

func TestVariablesOfAKubernetesServiceAreLeftAlone(t *testing.T) {
	_, mistakes := read(t, "name: x", "SVC_SERVICE_HOST", "10.0.0.1", "SVC_SERVICE_PORT", "80", "SVC_SERVICE_PORT_HTTP", "80",
		"SVC_PORT", "tcp://10.0.0.1:80", "SVC_PORT_80_TCP", "tcp://10.0.0.1:80", "SVC_PORT_80_TCP_PROTO", "tcp",
		"SVC_PORT_80_TCP_PORT", "80", "SVC_PORT_80_TCP_ADDR", "10.0.0.1", "SVC_API_SERVICE_HOST", "10.0.0.1",
		"SVC_API_PORT", "tcp://10.0.0.1:80")
	require.Empty(t, mistakes)
}

func TestMistakesAreInOrderOfLines(t *testing.T) {
	_, mistakes := read(t, "zzz: 1\ncount: -1\nlinger: 5\nname: x\nname: y", "SVC_ZZZZZZZ", "1")
	var lines []string
	for _, m := range mistakes {
		lines = append(lines, m[:1])
	}
	require.Equal(t, []string{"0", "1", "2", "3", "5"}, lines)
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	want := service{
		Name: "no ${X}\n# x: y", Enabled: true, Count: 3, Offset: -7, Rate: 0.1, Linger: time.Second, Keep: -1, MaxBytes: 1 << 20,
		Brokers: []string{"~", "null", "true", "- a", "a: b", "0x7", "é"}, Labels: map[string]string{"a b": "1", "<<": "{}", "null": "x"},
		Routes: []route{{"x", 1}}, TLS: &tls{CAFile: "x"}, Base: Base{Region: "12"},
	}
	root, err := schema().Encode(want)
	require.NoError(t, err)
	got, mistakes := readTree(confdoc.ConvertYAML(root.YAML(), ""))
	require.Empty(t, mistakes)
	require.Equal(t, want, got)
	text, err := root.JSON()
	require.NoError(t, err)
	got, mistakes = readTree(confdoc.ParseJSON(text, ""))
	require.Empty(t, mistakes)
	require.Equal(t, want, got)
}

func TestEncodingHidesSecrets(t *testing.T) {
	root, err := schema().Encode(&service{Password: secret.New("CANARY")})
	require.NoError(t, err)
	text, err := root.JSON()
	require.NoError(t, err)
	require.Equal(t, `{"password":"***"}`, string(text))
	_, err = schema().Encode(struct{ Bad unwritable }{1})
	require.ErrorIs(t, err, errUnwritable)
}

type unwritable int

var errUnwritable = errors.New("unwritable")

func (unwritable) MarshalText() ([]byte, error) { return nil, errUnwritable }
func (*unwritable) UnmarshalText([]byte) error  { return nil }

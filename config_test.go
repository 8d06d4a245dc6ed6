package streamport_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	yaml "go.yaml.in/yaml/v4"

	"github.com/streamport-go/streamport"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// file writes a configuration file for the length of a test.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

const whole = `
backend: memory
memory:
  profile: kafka
  seed: 7
  partitions: 8
  assignment: eager
  session: ${SESSION:-30s}
  tx_timeout: 1m30s
  faults: {crash: 0.25, max_delay: 5ms}
  streams:
    - quakes:4
    - {name: orders, partitions: 2, retention: 7d, max_record_bytes: 1MiB}
    - {name: users, compacted: true}
    - {name: audit, retention: forever}
`

func wholeConfig() *streamport.Config {
	return &streamport.Config{Backend: "memory", Memory: &memory.Config{
		Profile: memory.Kafka, Seed: 7, Partitions: 8, Assignment: memory.Eager, Session: 30 * time.Second, TxTimeout: 90 * time.Second,
		Faults: memory.Faults{Crash: 0.25, MaxDelay: 5 * time.Millisecond},
		Streams: []stream.StreamConfig{
			{Name: "quakes", Partitions: 4},
			{Name: "orders", Partitions: 2, Retention: 7 * 24 * time.Hour, MaxRecordBytes: 1 << 20},
			{Name: "users", Compacted: true},
			{Name: "audit", Retention: -1},
		},
	}}
}

func TestLoadConfigReadsYAMLAndJSON(t *testing.T) {
	c, err := streamport.LoadConfig(file(t, "c.yaml", whole))
	require.NoError(t, err)
	require.Equal(t, wholeConfig(), c)
	text, err := json.Marshal(c)
	require.NoError(t, err)
	c, err = streamport.LoadConfig(file(t, "c.json", string(text)))
	require.NoError(t, err)
	require.Equal(t, wholeConfig(), c, "what is written is read")
	c, err = streamport.LoadConfig(file(t, "c.yml", c.String()))
	require.NoError(t, err)
	require.Equal(t, wholeConfig(), c)
	require.Equal(t, c.String(), fmt.Sprint(*c))
}

func TestConfigOpens(t *testing.T) {
	c, err := streamport.LoadConfig(file(t, "c.yaml", whole))
	require.NoError(t, err)
	b, err := c.Open(t.Context())
	require.NoError(t, err)
	defer b.Close()
	have, err := b.Capabilities(t.Context(), "orders")
	require.NoError(t, err)
	require.Equal(t, 2, have.Partitions)
}

func TestConfigSimulates(t *testing.T) {
	c := wholeConfig()
	b, err := c.Simulate(99)
	require.NoError(t, err)
	defer b.Close()
	have, err := b.Capabilities(t.Context(), "orders")
	require.NoError(t, err)
	require.Equal(t, 2, have.Partitions)
	require.Equal(t, wholeConfig(), c, "the configuration is not changed")
	c.Memory.Partitions = -1
	_, err = c.Simulate(99)
	require.ErrorIs(t, err, stream.ErrInvalid)
}

func TestConfigMadeInGoIsChecked(t *testing.T) {
	var none *streamport.Config
	for name, c := range map[string]struct {
		config *streamport.Config
		want   string
	}{
		"nil":             {none, "the configuration is nil"},
		"zero":            {&streamport.Config{}, "backend: no backend is named; known: memory, kafka, kinesis"},
		"unknown":         {&streamport.Config{Backend: "Memory"}, `backend: unknown backend "Memory"; did you mean memory?`},
		"by its own rule": {&streamport.Config{Backend: "memory", Memory: &memory.Config{Session: -1}}, "session"},
	} {
		_, err := c.config.Open(t.Context())
		require.ErrorIs(t, err, stream.ErrInvalid, name)
		require.ErrorContains(t, err, c.want, name)
		_, err = c.config.Simulate(1)
		require.ErrorIs(t, err, stream.ErrInvalid, name)
		require.ErrorContains(t, err, c.want, name)
	}
}

// Rows 1, 2, 4 and 5 of the bad-input catalogue. Each case is one mistake with its line.
func TestLoadConfigRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
	}{
		"row 1: empty stream name":         {"streams:\n    - name: ''", "4: memory.streams[0].name: is empty"},
		"row 1: no stream name":            {"streams:\n    - partitions: 2", "4: memory.streams[0]"},
		"row 1: dots":                      {"streams:\n    - a\n    - name: ..", "5: memory.streams[1]"},
		"row 1: illegal character":         {"streams:\n    - a\n    - name: a/b\n      partitions: 2", "5: memory.streams[1]"},
		"row 1: long name":                 {"streams: [" + strings.Repeat("x", 250) + "]", "3: memory.streams[0]"},
		"row 2: unknown key":               {"profil: kafka", "3: memory.profil: unknown key; did you mean profile?"},
		"row 2: Go's name of a key":        {"txTimeout: 1s", "3: memory.txTimeout: unknown key; did you mean tx_timeout?"},
		"row 2: duplicate key":             {"seed: 1\n  seed: 1", "4: memory.seed: written twice; the first is in line 3"},
		"row 2: key of a test":             {"like: {}", "3: memory.like: unknown key"},
		"row 2: script":                    {"script: {}", "3: memory.script: unknown key"},
		"row 4: negative":                  {"session: -5s", `3: memory.session: "-5s": out of range`},
		"row 4: zero":                      {"partitions: 0", `3: memory.partitions: "0": must be more than 0`},
		"row 4: out of range":              {"seed: 1\n  partitions: 10001", "4: memory.partitions: 10001 partitions, allowed are"},
		"row 4: overflow":                  {"streams: [{name: a, max_record_bytes: 1e9GiB}]", "3: memory.streams[0].max_record_bytes: \"1e9GiB\": a size"},
		"row 4: wrong unit":                {"streams: [{name: a, max_record_bytes: 1mb}]", "did you mean MiB (1048576 bytes) or MB?"},
		"row 4: size as a duration":        {"session: 5MiB", "a duration is a number with a unit"},
		"row 5: retention under the least": {"profile: kinesis\n  streams:\n  - name: a\n    retention: 1h", "6: memory.streams[0].retention: "},
		"row 5: retention without end":     {"profile: kinesis\n  streams:\n  - name: a\n    retention: forever", "6: memory.streams[0].retention: "},
		"row 5: compaction on Kinesis":     {"profile: kinesis\n  streams:\n  - {name: a}\n  - name: b\n    compacted: true", "7: memory.streams[1].compacted: "},
		"row 5: compaction and retention":  {"profile: kafka\n  streams:\n  - name: b\n    compacted: true\n    retention: 2d", "7: memory.streams[0].retention: "},
		"row 5: tags on Kafka":             {"profile: kafka\n  seed: 4\n  tags: true", "5: memory.tags: tags are of the profile kinesis"},
		"row 5: same stream twice":         {"streams:\n    - {name: a, partitions: 1}\n    - {name: a, partitions: 2}", "5: memory.streams[1]"},
	} {
		t.Run(name, func(t *testing.T) {
			path := file(t, "c.yaml", "backend: memory\nmemory:\n  "+c.text+"\n")
			loaded, err := streamport.LoadConfig(path)
			require.Nil(t, loaded)
			require.ErrorIs(t, err, stream.ErrInvalid)
			require.ErrorContains(t, err, c.want)
			var mistakes streamport.ConfigErrors
			require.ErrorAs(t, err, &mistakes)
			require.Len(t, mistakes, 1, err.Error())
			require.Equal(t, path, mistakes[0].File)
			require.Positive(t, mistakes[0].Line)
			require.NotEmpty(t, mistakes[0].Key)
		})
	}
}

func TestLoadConfigReportsEveryMistakeAtOnce(t *testing.T) {
	path := file(t, "c.yaml", `backend: memroy
memory:
  profil: kafka
  read_limits: true
  partitions: 10001
  session: 10
  seed: 1
  seed: 2
  streams:
    - name: a
      retention: ${NO_SUCH_VARIABLE_HERE}
    - name: b
      compacted: true
      retention: 2d
`)
	t.Setenv("STREAMPORT_MEMORY_TX_TIMEOUT", "soon")
	t.Setenv("STREAMPORT_MEMORY_SED", "1")
	_, err := streamport.LoadConfig(path)
	var mistakes streamport.ConfigErrors
	require.ErrorAs(t, err, &mistakes)
	var places []string
	for _, m := range mistakes {
		places = append(places, fmt.Sprintf("%d %s", m.Line, m.Key))
	}
	require.ElementsMatch(t, []string{
		"1 backend", "3 memory.profil", "4 memory.read_limits", "5 memory.partitions", "6 memory.session", "8 memory.seed",
		"11 memory.streams[0].retention", "14 memory.streams[1].retention",
		"0 STREAMPORT_MEMORY_TX_TIMEOUT", "0 STREAMPORT_MEMORY_SED",
	}, places, err.Error())
	require.Contains(t, err.Error(), "10 mistakes in the configuration:\n\t"+path+":1: backend: unknown backend")
	var first *streamport.ConfigError
	require.ErrorAs(t, err, &first)
	require.Equal(t, "backend", first.Key)
}

func TestLoadConfigNamesAFileThatCannotBeRead(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.yaml")
	_, err := streamport.LoadConfig(missing)
	require.ErrorIs(t, err, stream.ErrInvalid)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Equal(t, "load configuration: "+missing+": cannot be read: no such file or directory", err.Error())
	for name, text := range map[string]string{"c.toml": "x", "c": "x", "c.yaml": "", "c.json": "{", "d.yaml": strings.Repeat("#", 2<<20)} {
		_, err := streamport.LoadConfig(file(t, name, text))
		require.ErrorIs(t, err, stream.ErrInvalid, name)
	}
}

func TestACauseStaysReachable(t *testing.T) {
	_, err := streamport.LoadConfig(file(t, "c.yaml",
		"backend: memory\nmemory: {profile: kinesis, streams: [{name: a, compacted: true}]}"))
	require.ErrorIs(t, err, stream.ErrInvalid)
	require.ErrorIs(t, err, stream.ErrUnsupported, "the backend says that it cannot do this")
}

func TestTheEnvironmentOverridesTheFile(t *testing.T) {
	t.Setenv("STREAMPORT_MEMORY_PROFILE", "kinesis")
	t.Setenv("STREAMPORT_MEMORY_STREAMS", "alerts:2,quakes:1")
	t.Setenv("STREAMPORT_MEMORY_FAULTS_MAX_DELAY", "7ms")
	t.Setenv("STREAMPORT_BACKEND", "memory")
	t.Setenv("STREAMPORT_SERVICE_HOST", "10.0.0.1") // set by Kubernetes
	c, err := streamport.LoadConfig(file(t, "c.yaml", "backend: wrong\nmemory: {profile: wrong, seed: 3}"))
	require.NoError(t, err)
	require.Equal(t, &streamport.Config{Backend: "memory", Memory: &memory.Config{
		Profile: memory.Kinesis, Seed: 3, Faults: memory.Faults{MaxDelay: 7 * time.Millisecond},
		Streams: []stream.StreamConfig{{Name: "alerts", Partitions: 2}, {Name: "quakes", Partitions: 1}},
	}}, c)
}

func TestTheEnvironmentDoesNotReachTwoLoads(t *testing.T) {
	path := file(t, "c.yaml", "backend: memory\nmemory: {seed: 3}")
	t.Setenv("STREAMPORT_MEMORY_SEED", "4")
	overridden, err := streamport.LoadConfig(path)
	require.NoError(t, err)
	require.NoError(t, os.Unsetenv("STREAMPORT_MEMORY_SEED"))
	plain, err := streamport.LoadConfig(path)
	require.NoError(t, err)
	require.Equal(t, uint64(4), overridden.Memory.Seed)
	require.Equal(t, uint64(3), plain.Memory.Seed)
}

// owner is a service's own configuration.
type owner struct {
	Port   int               `yaml:"port" json:"port"`
	Events streamport.Config `yaml:"events" json:"events"`
}

func TestConfigIsPartOfAServicesYAML(t *testing.T) {
	t.Setenv("STREAMPORT_MEMORY_SEED", "4")
	t.Setenv("PROFILE", "kafka")
	var o owner
	require.NoError(t, yaml.Unmarshal([]byte("port: 80\nevents:\n  backend: memory\n  memory: {profile: '${PROFILE}', session: 5s}\n"), &o))
	require.Equal(t, owner{Port: 80, Events: streamport.Config{
		Backend: "memory", Memory: &memory.Config{Profile: memory.Kafka, Session: 5 * time.Second},
	}}, o, "references count, overrides do not")
	text, err := yaml.Marshal(o)
	require.NoError(t, err)
	var again owner
	require.NoError(t, yaml.Unmarshal(text, &again))
	require.Equal(t, o, again)
}

func TestConfigInAServicesYAMLKeepsLinesAndLosesTheFile(t *testing.T) {
	var o owner
	err := yaml.Unmarshal([]byte("port: 80\nevents:\n  backend: memory\n  memory:\n    sed: 1\n    partitions: 20000\n"), &o)
	require.ErrorIs(t, err, stream.ErrInvalid)
	var mistakes streamport.ConfigErrors
	require.ErrorContains(t, err, "line 5: memory.sed: unknown key; did you mean seed?")
	var load *yaml.LoadError
	require.ErrorAs(t, err, &load)
	require.ErrorAs(t, load, &mistakes)
	require.Equal(t, "line 5: memory.sed: unknown key; did you mean seed?", mistakes[0].Error())
	require.Len(t, mistakes, 2)
	require.Equal(t, 6, mistakes[1].Line)
	require.Empty(t, o.Events)
}

func TestConfigInAServicesJSONLosesLines(t *testing.T) {
	var o owner
	require.NoError(t, json.Unmarshal([]byte(`{"port": 80, "events": {"backend": "memory", "memory": {"seed": 3}}}`), &o))
	require.Equal(t, uint64(3), o.Events.Memory.Seed)
	text, err := json.Marshal(o)
	require.NoError(t, err)
	var again owner
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, o, again)

	err = json.Unmarshal([]byte("{\"port\": 80,\n\n\"events\": {\"backend\": \"memory\",\n\"memory\": {\"seed\": 3, \"seed\": 4}}}"), &o)
	require.ErrorIs(t, err, stream.ErrInvalid)
	var mistakes streamport.ConfigErrors
	require.ErrorAs(t, err, &mistakes)
	require.Equal(t, "line 2: memory.seed: written twice; the first is in line 2", mistakes[0].Error(),
		"lines count from the beginning of the section")
}

func TestAContradictionIsFoundInALongList(t *testing.T) {
	text := "backend: memory\nmemory:\n  profile: kinesis\n  streams:\n"
	for i := range 60 {
		text += fmt.Sprintf("    - {name: s%d, partitions: 2, compacted: %v}\n", i, i == 41)
	}
	_, err := streamport.LoadConfig(file(t, "c.yaml", text))
	var mistakes streamport.ConfigErrors
	require.ErrorAs(t, err, &mistakes)
	require.Len(t, mistakes, 1)
	require.Equal(t, "46 memory.streams[41].compacted", fmt.Sprintf("%d %s", mistakes[0].Line, mistakes[0].Key))
}

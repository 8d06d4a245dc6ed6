package secret_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	yaml "go.yaml.in/yaml/v4"

	"github.com/streamport-go/streamport/internal/secret"
	"github.com/streamport-go/streamport/stream"
)

const canary = "CANARY-7f3a"

// holder has a secret in every place from which a printer may reach one.
type holder struct {
	Public  secret.Secret
	Pointer *secret.Secret
	List    []secret.Secret
	Table   map[string]secret.Secret
	Any     any
	private secret.Secret
}

func newHolder() holder {
	s := secret.New(canary)
	return holder{s, &s, []secret.Secret{s}, map[string]secret.Secret{"k": s}, s, s}
}

// hexadecimal and quoted forms of the canary, as %x and %q would print it.
func requireHidden(t *testing.T, text string) {
	t.Helper()
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprintf("% x", canary)} {
		require.NotContains(t, text, form)
	}
}

func TestSecretIsNotPrintedUnderAnyVerb(t *testing.T) {
	s, h := secret.New(canary), newHolder()
	for _, verb := range "vTtbcdoOqxXUeEfFgGspw!z" {
		for _, flags := range []string{"", "+", "#", "-20", "020", " ", ".3", "+#"} {
			format := "%" + flags + string(verb)
			requireHidden(t, fmt.Sprintf(format, s))
			requireHidden(t, fmt.Sprintf(format, &s))
			requireHidden(t, fmt.Sprintf(format, h))
			requireHidden(t, fmt.Sprintf(format, &h))
			requireHidden(t, fmt.Sprintf(format, struct{ inner holder }{h}))
		}
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.Equal(t, "***", fmt.Sprintf(format, s), format)
	}
	require.Equal(t, "***", fmt.Sprint(secret.Secret{}), "an empty secret looks like any other")
	require.Equal(t, "***", s.String())
	require.Equal(t, "***", s.GoString())
}

func TestSecretIsNotEncoded(t *testing.T) {
	h := newHolder()
	text, err := json.Marshal(h)
	require.NoError(t, err)
	requireHidden(t, string(text))
	require.Contains(t, string(text), `"Public":"***"`)
	text, err = yaml.Marshal(h)
	require.NoError(t, err)
	requireHidden(t, string(text))
	require.Contains(t, string(text), "***")
	type document struct{ S secret.Secret }
	text, err = xml.Marshal(document{h.Public})
	require.NoError(t, err)
	requireHidden(t, string(text))
	var out bytes.Buffer
	require.NoError(t, gob.NewEncoder(&out).Encode(h.Public))
	requireHidden(t, out.String())
	var back secret.Secret
	require.ErrorIs(t, gob.NewDecoder(&out).Decode(&back), stream.ErrInvalid)
}

func TestSecretIsNotLogged(t *testing.T) {
	var out bytes.Buffer
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, options), slog.NewTextHandler(&out, options)} {
		log := slog.New(handler)
		log.Debug("opened", "secret", secret.New(canary), "holder", newHolder(), slog.Any("list", newHolder().List))
	}
	requireHidden(t, out.String())
	require.Contains(t, out.String(), "***")
}

func TestSecretIsNotInAPanic(t *testing.T) {
	defer func() { requireHidden(t, fmt.Sprint(recover())) }()
	panic(newHolder())
}

func TestRevealGivesTheText(t *testing.T) {
	require.Equal(t, canary, secret.New(canary).Reveal())
	require.Empty(t, secret.Secret{}.Reveal())
	require.True(t, secret.New("").IsZero())
	require.False(t, secret.New(canary).IsZero())
	require.True(t, secret.New(canary) == secret.New("CANARY-"+"7f3a"), "equal texts are equal secrets")
	require.False(t, secret.New(canary) == secret.New("other"))
}

func TestFromEnv(t *testing.T) {
	t.Setenv("SECRET_TEST", canary)
	s, err := secret.FromEnv("SECRET_TEST")
	require.NoError(t, err)
	require.Equal(t, canary, s.Reveal())
	t.Setenv("SECRET_TEST", "")
	_, err = secret.FromEnv("SECRET_TEST")
	require.ErrorIs(t, err, stream.ErrInvalid)
	require.ErrorContains(t, err, "SECRET_TEST")
}

func TestFromFile(t *testing.T) {
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "secret")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	s, err := secret.FromFile(write(canary + "\r\n"))
	require.NoError(t, err)
	require.Equal(t, canary, s.Reveal())
	for name, path := range map[string]string{
		"empty": write("\n"), "missing": filepath.Join(t.TempDir(), "none"), "a folder": t.TempDir(),
		"too large": write(strings.Repeat("x", 65<<10)),
	} {
		_, err := secret.FromFile(path)
		require.ErrorIs(t, err, stream.ErrInvalid, name)
	}
	_, err = secret.FromFile(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestPrintedSecretIsNotReadBack(t *testing.T) {
	var s secret.Secret
	require.ErrorIs(t, json.Unmarshal([]byte(`"***"`), &s), stream.ErrInvalid)
	require.NoError(t, json.Unmarshal([]byte(`"`+canary+`"`), &s))
	require.Equal(t, canary, s.Reveal())
}

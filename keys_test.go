package streamport

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/confdoc"
	"github.com/streamport-go/streamport/memory"
)

// Every key has a variable of its own, and every field of a section is a key or is known not to be one.
func TestEveryKeyHasItsVariable(t *testing.T) {
	seen := map[string]bool{}
	for _, leaf := range schema().Leaves(reflect.TypeFor[Config]()) {
		name := confdoc.VariableName(EnvPrefix, leaf.Path)
		require.False(t, seen[name], name)
		seen[name] = true
	}
	for _, name := range []string{"STREAMPORT_BACKEND", "STREAMPORT_MEMORY_PROFILE", "STREAMPORT_MEMORY_FAULTS_MAX_DELAY"} {
		require.True(t, seen[name], "%s is none of %v", name, slices.Sorted(maps.Keys(seen)))
	}
	onlyGo := []string{"Like", "Script"} // a probed target and a test's script: nothing that a file can say
	for _, field := range reflect.VisibleFields(reflect.TypeFor[memory.Config]()) {
		name := confdoc.VariableName("STREAMPORT_MEMORY_", []string{confdoc.Snake(field.Name)})
		leaf := seen[name] || field.Name == "Faults" && seen[name+"_CRASH"]
		require.NotEqual(t, slices.Contains(onlyGo, field.Name), leaf, field.Name)
	}
}

func TestEveryBackendHasItsSection(t *testing.T) {
	config := reflect.TypeFor[Config]()
	require.Len(t, backends, config.NumField()-1)
	for i, b := range backends {
		require.Equal(t, b.name, confdoc.Snake(config.Field(i+1).Name))
		found, ok := find(b.name)
		require.True(t, ok)
		require.Equal(t, b.name, found.name)
	}
}

// What the schema lists as a type's words is what the type takes.
func TestTheSchemaKnowsEveryWord(t *testing.T) {
	var words []string
	for p := memory.Profile(0); ; p++ {
		text, err := p.MarshalText()
		if err != nil {
			break
		}
		words = append(words, string(text))
	}
	require.ElementsMatch(t, words, schema().Words[reflect.TypeFor[memory.Profile]()])
}

package confdoc

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Override puts what environment variables say into the tree of a configuration of type t. A variable's name is prefix and
// the path of keys in upper case, joined by "_". Variables that begin with prefix and name no key are mistakes, but for
// those that an orchestrator sets for a service of that name. Environ is as os.Environ returns it.
func (d *Decoder) Override(root *Node, t reflect.Type, prefix string, environ []string) {
	leaves := map[string]Leaf{}
	var words []string
	for _, leaf := range d.schema.Leaves(t) {
		word := VariableName("", leaf.Path)
		leaves[word], words = leaf, append(words, word)
		if leaf.Secret {
			leaf.Path = append(slices.Clone(leaf.Path), "file")
			leaves[word+"_FILE"], words = leaf, append(words, word+"_FILE")
		}
	}
	set := map[string]bool{}
	for _, variable := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(variable, "=")
		word, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		place := Place{File: "environment", Key: name}
		leaf, known := leaves[word]
		plain := strings.TrimSuffix(word, "_FILE")
		switch {
		case !known && isServiceLink(word, value):
			continue
		case !known:
			d.Add(Mistake{Place: place, Message: "names no key" + suggestVariable(prefix, word, words)})
			continue
		case leaf.Secret && set[plain]:
			d.Add(Mistake{Place: place, Message: "contradicts " + prefix + plain + ": set one of them"})
			continue
		}
		set[word] = true
		d.put(root, leaf, &Node{Kind: Scalar, Source: FromEnvironment, Place: place, Text: value})
	}
}

// put sets one override. A secret's former value gives way whatever its form.
func (d *Decoder) put(root *Node, leaf Leaf, value *Node) {
	path := leaf.Path
	if leaf.Secret && path[len(path)-1] == "file" {
		path = path[:len(path)-1]
		file := &Node{Kind: Map, Source: FromEnvironment, Place: value.Place}
		file.Fields = []Field{{Key: "file", Place: value.Place, Value: value}}
		value = file
	}
	if !root.set(path, value) {
		d.Add(Mistake{Place: value.Place, Message: "something that is no map stands in its way in the file"})
	}
}

// VariableName is the environment variable that overrides the key at path.
func VariableName(prefix string, path []string) string {
	return prefix + strings.ToUpper(strings.Join(path, "_"))
}

func suggestVariable(prefix, word string, words []string) string {
	if near := Nearest(word, words); near != "" {
		return "; did you mean " + prefix + near + "?"
	}
	return "; known: " + prefix + strings.Join(words, ", "+prefix)
}

// serviceLink is what Kubernetes sets in every pod for each service of the namespace (its "service environment
// variables"): a service that is called streamport must not stop what reads a configuration.
var serviceLink = regexp.MustCompile(
	`(^|_)(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

func isServiceLink(word, value string) bool {
	address := strings.HasSuffix("_"+word, "_PORT") && strings.Contains(value, "://")
	return address || serviceLink.MatchString(word)
}

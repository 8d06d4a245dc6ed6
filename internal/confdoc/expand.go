package confdoc

import (
	"errors"
	"fmt"
	"strings"
)

// expand replaces ${NAME} by the value of the environment variable and ${NAME:-text} by text where the variable is not
// set or empty. $${ stands for ${. A lone $ is itself. Values are not expanded again.
func expand(text string, lookup func(string) (string, bool)) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			out.WriteString(text)
			return out.String(), nil
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			out.WriteString(escaped + "${")
			text = rest
			continue
		}
		reference, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", errors.New("${ without its }; write $${ for the characters themselves")
		}
		value, err := resolve(reference, lookup)
		if err != nil {
			return "", err
		}
		out.WriteString(before + value)
		text = after
	}
}

func resolve(reference string, lookup func(string) (string, bool)) (string, error) {
	name, fallback, hasFallback := strings.Cut(reference, ":-")
	if !isVariable(name) {
		return "", errors.New("a reference is ${NAME} or ${NAME:-default}, and a name has letters, digits and _ only")
	}
	value, ok := lookup(name)
	switch {
	case hasFallback && value == "":
		return fallback, nil
	case !ok:
		return "", fmt.Errorf("environment variable %s is not set", Printable(name))
	}
	return value, nil
}

// isReference reports whether text is one ${NAME} without a default and nothing else.
func isReference(text string) bool {
	name, ok := strings.CutPrefix(text, "${")
	name, closed := strings.CutSuffix(name, "}")
	return ok && closed && isVariable(name)
}

func isVariable(name string) bool {
	for i := range len(name) {
		c := name[i] | 0x20 // lower case of a letter
		if c < 'a' || c > 'z' {
			if name[i] != '_' && (i == 0 || name[i] < '0' || name[i] > '9') {
				return false
			}
		}
	}
	return name != ""
}

// escape writes text so that expand gives it back.
func escape(text string) string { return strings.ReplaceAll(text, "${", "$${") }

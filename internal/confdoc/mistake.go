package confdoc

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Mistake is one thing that is wrong in a configuration.
type Mistake struct {
	Place
	Path    string // of keys, from the root: "memory.streams[0].partitions"; "" for the whole
	Message string // what is wrong and, where it is known, what would be right; never the value of a secret
	Err     error  // the cause, if there is one beside the message
}

// Name returns how the writer called what is wrong: the variable or query key, or else the path of keys.
func (m Mistake) Name() string {
	if m.Key != "" {
		return Printable(m.Key)
	}
	return m.Path
}

// maxShown bounds how much of an input a message repeats, in runes.
const maxShown = 80

// Printable shortens text and escapes what does not print, so that no input can forge lines of a log.
func Printable(text string) string {
	if utf8.RuneCountInString(text) > maxShown {
		text = string([]rune(text)[:maxShown]) + "…"
	}
	for _, r := range text {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return strings.Trim(strconv.Quote(text), `"`)
		}
	}
	return text
}

// quote shows a value in a message.
func quote(text string) string { return strconv.Quote(Printable(text)) }

// join puts a key behind a path.
func join(path, key string) string {
	if path == "" {
		return Printable(key)
	}
	return path + "." + Printable(key)
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

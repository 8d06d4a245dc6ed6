package confdoc

import (
	"strings"
	"unicode/utf8"
)

// maxCompared bounds what is compared with known words, in bytes: no key is that long.
const maxCompared = 64

// Nearest returns the known word that word was most likely meant to be, or "". Case, "_" and "-" do not count; beyond
// them one edit in three letters is forgiven.
func Nearest(word string, known []string) string {
	if len(word) > maxCompared {
		return ""
	}
	plain := normal(word)
	best, bestDistance := "", utf8.RuneCountInString(plain)/3+1
	for _, k := range known {
		if d := distance([]rune(plain), []rune(normal(k))); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// Suggest ends a message about an unknown word: with the nearest known one, or with all of them.
func Suggest(word string, known []string) string {
	switch near := Nearest(word, known); {
	case near != "":
		return "; did you mean " + near + "?"
	case len(known) == 0:
		return ""
	default:
		return "; known: " + strings.Join(known, ", ")
	}
}

func normal(word string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(word))
}

// distance counts the letters to insert, delete, replace or swap with their neighbour to make b of a.
func distance(a, b []rune) int {
	older, old, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(old[j]+1, row[j-1]+1, old[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, old, row = old, row, older
	}
	return old[len(b)]
}

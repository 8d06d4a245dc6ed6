package streamtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// contract reads the rules that the comments of package stream state, and what they say of the fields of Capabilities.
func contract(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../*.go")
	require.NoError(t, err)
	sentences := map[string]string{}
	add := func(name, sentence string) {
		if old, ok := sentences[name]; ok {
			require.Equal(t, old, sentence, "the rule %s is stated twice, and differently", name)
		}
		sentences[name] = sentence
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, comment := range tree.Comments {
			for name, sentence := range rulesIn(comment.Text()) {
				add(name, sentence)
			}
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == "Capabilities" {
				for _, field := range spec.Type.(*ast.StructType).Fields.List {
					for _, name := range field.Names {
						comment := field.Comment.Text()
						if comment == "" { // its type says it
							comment = typeComment(tree, name.Name)
						}
						add(capability+name.Name, oneLine(comment))
					}
				}
			}
			return true
		})
	}
	return sentences
}

// typeComment is the comment of a type of the same file.
func typeComment(tree *ast.File, name string) string {
	for _, d := range tree.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE && g.Specs[0].(*ast.TypeSpec).Name.Name == name {
			return g.Doc.Text()
		}
	}
	return ""
}

var ruleStart = regexp.MustCompile(`^\s+- ([A-Z][A-Za-z]+): (.*)$`)

// rulesIn gives the rules of one comment: "  - Name: sentence", and lines that go on with more space than the dash has.
func rulesIn(comment string) map[string]string {
	rules := map[string]string{}
	name := ""
	for line := range strings.Lines(comment) {
		line = strings.TrimRight(line, "\n")
		if m := ruleStart.FindStringSubmatch(line); m != nil {
			name = m[1]
			rules[name] = m[2]
		} else if name != "" && strings.HasPrefix(line, "    ") {
			rules[name] += " " + line
		} else {
			name = ""
		}
	}
	for name, sentence := range rules {
		rules[name] = oneLine(sentence)
	}
	return rules
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestEveryRuleHasATestAndEveryTestARule(t *testing.T) {
	stated, tested := contract(t), map[string]string{}
	for _, r := range rules() {
		_, twice := tested[r.name]
		require.False(t, twice, "two tests of %s", r.name)
		tested[r.name] = r.sentence
		require.NotNil(t, r.run, r.name)
	}
	require.Equal(t, stated, tested)
}

func TestConcernsAreCapabilities(t *testing.T) {
	stated := contract(t)
	for _, r := range rules() {
		for _, name := range r.concerns {
			require.Contains(t, stated, capability+name, r.name)
		}
	}
}

// The package comment has the table of rules; STREAMTEST_UPDATE=1 writes it.
func TestPackageCommentHasTheTable(t *testing.T) {
	want := doc(t)
	if os.Getenv("STREAMTEST_UPDATE") != "" {
		require.NoError(t, os.WriteFile("doc.go", []byte(want), 0o644))
	}
	have, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	require.Equal(t, want, string(have), "doc.go is not fresh: run the test with STREAMTEST_UPDATE=1")
}

// doc is the package comment with the table.
func doc(t *testing.T) string {
	old, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	before, _, found := strings.Cut(string(old), "// # Rules\n")
	require.True(t, found, "the package comment has no section of rules")
	var b strings.Builder
	b.WriteString(before + "// # Rules\n//\n")
	b.WriteString("// Each line is a rule, what it says, and in brackets the capabilities that it proves.\n//\n")
	for _, r := range rules() {
		b.WriteString(wrap(r))
	}
	b.WriteString("package streamtest\n")
	return b.String()
}

// wrap writes one entry of a list within the width of a comment.
func wrap(r rule) string {
	text := r.name + ": " + r.sentence
	if len(r.concerns) > 0 {
		text += " [" + strings.Join(r.concerns, ", ") + "]"
	}
	const width = 118
	var b strings.Builder
	line := "//   -"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = "//    "
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
	return b.String()
}

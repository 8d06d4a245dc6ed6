package fakekinesis

import "strings"

// tokens splits an expression: names, #names, :values, comparators, signs, parentheses and commas. What belongs to none is a
// token of one character, for the parser to refuse.
func tokens(text string) []string {
	var all []string
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return all
		}
		n := tokenLength(text)
		all = append(all, text[:n])
		text = text[n:]
	}
}

func tokenLength(text string) int {
	for _, two := range [...]string{"<>", "<=", ">="} {
		if strings.HasPrefix(text, two) {
			return len(two)
		}
	}
	n := 0
	if text[0] == '#' || text[0] == ':' {
		n = 1
	}
	for n < len(text) && letter(text[n]) {
		n++
	}
	return max(n, 1)
}

func letter(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// A scope is what an expression's placeholders stand for, and which of them were used.
type scope struct {
	names  map[string]string
	values Item
	used   map[string]bool
}

func newScope(names map[string]string, values Item) *scope {
	return &scope{names: names, values: values, used: map[string]bool{}}
}

// check refuses placeholders that no expression used, as the service does.
func (s *scope) check() error {
	for name, stands := range s.names {
		if !strings.HasPrefix(name, "#") || len(name) < 2 || stands == "" {
			return invalid("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", name)
		}
		if !s.used[name] {
			return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", name)
		}
	}
	for name := range s.values {
		if !strings.HasPrefix(name, ":") || len(name) < 2 {
			return invalid("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", name)
		}
		if !s.used[name] {
			return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", name)
		}
	}
	return nil
}

// A parser reads one expression.
type parser struct {
	kind  string // ConditionExpression or UpdateExpression
	rest  []string
	scope *scope
}

// newParser begins an expression of at most 4 KB (developer guide, quotas).
func newParser(kind, text string, s *scope) (*parser, error) {
	const most = 4096
	p := &parser{kind: kind, rest: tokens(text), scope: s}
	switch {
	case len(text) > most:
		return nil, p.wrong("Expression size has exceeded the maximum allowed size")
	case len(p.rest) == 0:
		return nil, p.wrong("The expression can not be empty;")
	}
	return p, nil
}

func (p *parser) wrong(what string) error { return invalid("Invalid %s: %s", p.kind, what) }

// syntax refuses the next token.
func (p *parser) syntax() error {
	if len(p.rest) == 0 {
		return p.wrong(`Syntax error; token: "<EOF>"`)
	}
	return p.wrong(`Syntax error; token: "` + clip(p.rest[0]) + `"`)
}

// peek is the next token; "" at the end.
func (p *parser) peek() string {
	if len(p.rest) == 0 {
		return ""
	}
	return p.rest[0]
}

func (p *parser) next() string {
	token := p.peek()
	if token != "" {
		p.rest = p.rest[1:]
	}
	return token
}

// word takes the next token if it is this keyword, in whatever case.
func (p *parser) word(keyword string) bool {
	if !strings.EqualFold(p.peek(), keyword) {
		return false
	}
	p.next()
	return true
}

// expect takes a sign, or refuses what is there.
func (p *parser) expect(sign string) error {
	if p.peek() != sign {
		return p.syntax()
	}
	p.next()
	return nil
}

// attribute is the name of a top-level attribute. Paths into lists and maps are not known here.
func (p *parser) attribute() (string, error) {
	token := p.peek()
	switch {
	case strings.HasPrefix(token, "#") && len(token) > 1:
		name, ok := p.scope.names[token]
		if !ok {
			return "", p.wrong("An attribute name is not defined: " + clip(token))
		}
		p.scope.used[token] = true
		p.next()
		return name, nil
	case token == "" || !letter(token[0]) || '0' <= token[0] && token[0] <= '9':
		return "", p.syntax()
	}
	p.next()
	return token, nil
}

// value is what a :placeholder stands for.
func (p *parser) value() (Value, error) {
	token := p.peek()
	if !strings.HasPrefix(token, ":") || len(token) < 2 {
		return Value{}, p.syntax()
	}
	v, ok := p.scope.values[token]
	if !ok {
		return Value{}, p.wrong("An attribute value is not defined: " + clip(token))
	}
	p.scope.used[token] = true
	p.next()
	return v, nil
}

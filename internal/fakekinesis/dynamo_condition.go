package fakekinesis

import "strings"

// A condition says whether an item meets it; an item that is not there has no attributes.
type condition func(i Item) bool

// always is the condition of a write that has none.
func always(Item) bool { return true }

// parseCondition reads a condition expression: comparisons of attributes and values, attribute_exists,
// attribute_not_exists, AND, OR, NOT and parentheses. NOT binds closest, then AND, then OR (developer guide, condition
// expressions).
func parseCondition(text *string, s *scope) (condition, error) {
	if text == nil {
		return always, nil
	}
	p, err := newParser("ConditionExpression", *text, s)
	if err != nil {
		return nil, err
	}
	c, err := p.either(maxNesting)
	if err == nil && len(p.rest) > 0 {
		return nil, p.syntax()
	}
	return c, err
}

// maxNesting bounds parentheses and NOTs inside each other; the service bounds the operators of an expression by 300.
const maxNesting = 300

// either is terms joined by OR.
func (p *parser) either(depth int) (condition, error) {
	c, err := p.both(depth)
	for err == nil && p.word("OR") {
		var next condition
		one := c
		next, err = p.both(depth)
		c = func(i Item) bool { return one(i) || next(i) }
	}
	return c, err
}

// both is terms joined by AND.
func (p *parser) both(depth int) (condition, error) {
	c, err := p.term(depth)
	for err == nil && p.word("AND") {
		var next condition
		one := c
		next, err = p.term(depth)
		c = func(i Item) bool { return one(i) && next(i) }
	}
	return c, err
}

// term is NOT a term, a condition in parentheses, a function or a comparison.
func (p *parser) term(depth int) (condition, error) {
	switch {
	case depth == 0:
		return nil, p.wrong("The expression is nested too deeply")
	case p.word("NOT"):
		c, err := p.term(depth - 1)
		return func(i Item) bool { return !c(i) }, err
	case p.peek() == "(":
		return p.parentheses(depth)
	case len(p.rest) > 1 && p.rest[1] == "(":
		return p.function()
	}
	return p.comparison()
}

// parentheses refuses a pair around nothing but another pair, as the service does.
func (p *parser) parentheses(depth int) (condition, error) {
	p.next()
	if p.peek() == "(" && p.closing(0) == p.closing(-1)-1 {
		return nil, p.wrong("The expression has redundant parentheses;")
	}
	c, err := p.either(depth - 1)
	if err != nil {
		return nil, err
	}
	return c, p.expect(")")
}

// closing is where the parenthesis closes that would bring the nesting, 0 before the next token, down to depth.
func (p *parser) closing(depth int) int {
	nesting := 0
	for n, token := range p.rest {
		switch token {
		case "(":
			nesting++
		case ")":
			nesting--
			if nesting == depth {
				return n
			}
		}
	}
	return -1
}

func (p *parser) function() (condition, error) {
	name := p.next()
	if name != "attribute_exists" && name != "attribute_not_exists" {
		return nil, p.wrong("Invalid function name; function: " + clip(name))
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	attribute, err := p.attribute()
	if err != nil {
		return nil, err
	}
	wanted := name == "attribute_exists"
	return func(i Item) bool {
		_, there := i[attribute]
		return there == wanted
	}, p.expect(")")
}

// An operand is an attribute's value, if it is there, or a value that was given.
type operand func(i Item) (Value, bool)

// operand reads one, and returns the value too if one was given.
func (p *parser) operand() (op operand, given *Value, err error) {
	if strings.HasPrefix(p.peek(), ":") {
		v, err := p.value()
		return func(Item) (Value, bool) { return v, true }, &v, err
	}
	name, err := p.attribute()
	return func(i Item) (Value, bool) { v, ok := i[name]; return v, ok }, nil, err
}

func (p *parser) comparison() (condition, error) {
	left, givenLeft, err := p.operand()
	if err != nil {
		return nil, err
	}
	comparator := p.peek()
	compare, ok := comparators[comparator]
	if !ok {
		return nil, p.syntax()
	}
	p.next()
	right, givenRight, err := p.operand()
	if err != nil {
		return nil, err
	}
	for _, given := range [...]*Value{givenLeft, givenRight} {
		if given != nil && comparator != "=" && comparator != "<>" && !given.ordered() {
			return nil, p.wrong("Incorrect operand type for operator " + comparator + ": " + given.kind)
		}
	}
	return func(i Item) bool {
		a, thereA := left(i)
		b, thereB := right(i)
		if !thereA || !thereB {
			return comparator == "<>" // an attribute that is not there differs from everything, and nothing else is true of it
		}
		return compare(a, b)
	}, nil
}

// comparators are those of condition expressions.
var comparators = map[string]func(a, b Value) bool{
	"=":  Value.equal,
	"<>": func(a, b Value) bool { return !a.equal(b) },
	"<":  Value.less,
	">":  func(a, b Value) bool { return b.less(a) },
	"<=": func(a, b Value) bool { return a.less(b) || a.ordered() && a.equal(b) },
	">=": func(a, b Value) bool { return b.less(a) || a.ordered() && a.equal(b) },
}

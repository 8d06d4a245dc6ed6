package fakekinesis

import "strings"

// An update says what becomes of an item.
type update struct {
	actions []updateAction
	seen    map[string]bool // attributes that are written
}

// An updateAction writes one attribute of to; what it reads is what the item was before the update.
type updateAction func(was, to Item) error

// parseUpdate reads an update expression: SET of values, attributes, sums and if_not_exists; REMOVE; ADD of numbers. A nil
// expression changes nothing.
func parseUpdate(text *string, s *scope) (*update, error) {
	u := &update{seen: map[string]bool{}}
	if text == nil {
		return u, nil
	}
	p, err := newParser("UpdateExpression", *text, s)
	if err != nil {
		return nil, err
	}
	sections := map[string]func(*update) error{"SET": p.set, "REMOVE": p.remove, "ADD": p.add}
	done := map[string]bool{}
	for len(p.rest) > 0 {
		name := strings.ToUpper(p.peek())
		section, ok := sections[name]
		if !ok {
			return nil, p.syntax()
		}
		if done[name] {
			return nil, p.wrong(`The "` + name + `" section can only be used once in an update expression;`)
		}
		done[name] = true
		p.next()
		if err := p.listed(u, section); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// listed reads actions with commas between them.
func (p *parser) listed(u *update, one func(*update) error) error {
	for {
		if err := one(u); err != nil {
			return err
		}
		if p.peek() != "," {
			return nil
		}
		p.next()
	}
}

// target is the attribute that an action writes; none is written twice.
func (p *parser) target(u *update) (string, error) {
	name, err := p.attribute()
	if err == nil && u.seen[name] {
		return "", p.wrong("Two document paths overlap with each other: [" + name + "]")
	}
	u.seen[name] = true
	return name, err
}

func (p *parser) set(u *update) error {
	name, err := p.target(u)
	if err != nil {
		return err
	}
	if err := p.expect("="); err != nil {
		return err
	}
	from, err := p.setOperand()
	if err != nil {
		return err
	}
	sign := p.peek()
	if sign != "+" && sign != "-" {
		u.actions = append(u.actions, func(was, to Item) error {
			v, err := from(was)
			to[name] = v
			return err
		})
		return nil
	}
	p.next()
	by, err := p.setOperand()
	if err != nil {
		return err
	}
	u.actions = append(u.actions, func(was, to Item) error {
		a, err := from(was)
		if err != nil {
			return err
		}
		b, err := by(was)
		if err != nil {
			return err
		}
		to[name], err = plus(a, b, sign == "-")
		return err
	})
	return nil
}

// A source is what SET writes, or the refusal of an attribute that is not there.
type source func(was Item) (Value, error)

func (p *parser) setOperand() (source, error) {
	if p.peek() == "if_not_exists" && len(p.rest) > 1 && p.rest[1] == "(" {
		return p.ifNotExists()
	}
	if len(p.rest) > 1 && p.rest[1] == "(" {
		return nil, p.wrong("Invalid function name; function: " + clip(p.peek()))
	}
	from, _, err := p.operand()
	return func(was Item) (Value, error) {
		v, ok := from(was)
		if !ok {
			return Value{}, invalid("The provided expression refers to an attribute that does not exist in the item")
		}
		return v, nil
	}, err
}

func (p *parser) ifNotExists() (source, error) {
	p.next()
	p.next()
	name, err := p.attribute()
	if err != nil {
		return nil, err
	}
	if err := p.expect(","); err != nil {
		return nil, err
	}
	otherwise, err := p.setOperand()
	if err != nil {
		return nil, err
	}
	return func(was Item) (Value, error) {
		if v, ok := was[name]; ok {
			return v, nil
		}
		return otherwise(was)
	}, p.expect(")")
}

func (p *parser) remove(u *update) error {
	name, err := p.target(u)
	u.actions = append(u.actions, func(_, to Item) error { delete(to, name); return nil })
	return err
}

func (p *parser) add(u *update) error {
	name, err := p.target(u)
	if err != nil {
		return err
	}
	v, err := p.value()
	if err != nil {
		return err
	}
	if v.kind != kindN {
		return p.wrong("Incorrect operand type for operator or function; operator: ADD, operand type: " + v.kind)
	}
	u.actions = append(u.actions, func(was, to Item) error {
		old, ok := was[name]
		if !ok {
			old = Value{kind: kindN, text: "0"}
		}
		sum, err := plus(old, v, false)
		to[name] = sum
		return err
	})
	return nil
}

func plus(a, b Value, minus bool) (Value, error) {
	if a.kind != kindN || b.kind != kindN {
		return Value{}, invalid("An operand in the update expression has an incorrect data type")
	}
	text, err := sum(a.text, b.text, minus)
	return Value{kind: kindN, text: text}, err
}

// apply is the item after the update; was stays as it is.
func (u *update) apply(was Item, k key) (Item, error) {
	if u.seen[k.name] {
		return nil, invalid("Cannot update attribute %s: it is the key", k.name)
	}
	to := was.clone()
	for _, a := range u.actions {
		if err := a(was, to); err != nil {
			return nil, err
		}
	}
	if to.size() > maxItem {
		return nil, invalid("Item size to update has exceeded the maximum allowed size")
	}
	return to, nil
}

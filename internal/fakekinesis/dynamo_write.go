package fakekinesis

// write is what PutItem, UpdateItem and DeleteItem have in common.
type write struct {
	TableName                           string
	ConditionExpression                 *string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           Item
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
}

// answer is what a write returns.
type writeAnswer struct {
	Attributes Item `json:",omitempty"`
}

// place is the table and the key's text, for the script.
func (w *write) place(k Item) (name, id string) {
	for _, v := range k {
		if len(k) == 1 {
			return w.TableName, v.text
		}
	}
	return w.TableName, k["leaseKey"].text
}

// returns refuses a ReturnValues that the operation does not know.
func (w *write) returns(known ...string) error {
	for _, value := range append(known, "", "NONE") {
		if w.ReturnValues == value {
			return nil
		}
	}
	return invalid("ReturnValues can only be ALL_OLD, ALL_NEW or NONE here")
}

// meets refuses a write whose condition an item, nil if there is none, does not meet.
func (w *write) meets(c condition, i Item) error {
	if c(i) {
		return nil
	}
	r := &refusal{code: "ConditionalCheckFailedException", message: "The conditional request failed"}
	switch w.ReturnValuesOnConditionCheckFailure {
	case "ALL_OLD":
		r.item = i
	case "", "NONE":
	default:
		return invalid("ReturnValuesOnConditionCheckFailure can only be ALL_OLD or NONE")
	}
	return r
}

// old is the answer with the item as it was, if that was asked for.
func (w *write) old(i Item) writeAnswer {
	if w.ReturnValues != "ALL_OLD" {
		return writeAnswer{}
	}
	return writeAnswer{Attributes: i}
}

type putItem struct {
	write
	Item Item
}

func (c *putItem) place() (name, id string) {
	return c.TableName, c.Item["leaseKey"].text
}

func (c *putItem) run(t *Tables) (any, error) {
	table, err := t.usable(c.TableName)
	if err != nil {
		return nil, err
	}
	s := newScope(c.ExpressionAttributeNames, c.ExpressionAttributeValues)
	when, err := parseCondition(c.ConditionExpression, s)
	if err != nil {
		return nil, err
	}
	if err := firstOf(s.check(), c.returns("ALL_OLD")); err != nil {
		return nil, err
	}
	id, err := table.key.of(c.Item)
	switch {
	case err != nil:
		return nil, err
	case !c.Item.valid():
		return nil, invalid("Empty attribute name")
	case c.Item.size() > maxItem:
		return nil, invalid("Item size has exceeded the maximum allowed size")
	}
	was := table.now(id)
	if err := c.meets(when, was); err != nil {
		return nil, err
	}
	table.write(id, c.Item, t.options.Lag)
	return c.old(was), nil
}

type updateItem struct {
	write
	Key              Item
	UpdateExpression *string
}

func (c *updateItem) place() (name, id string) { return c.write.place(c.Key) }

// run changes an item, or makes it of its key if there is none and the condition allows it.
func (c *updateItem) run(t *Tables) (any, error) {
	table, err := t.usable(c.TableName)
	if err != nil {
		return nil, err
	}
	s := newScope(c.ExpressionAttributeNames, c.ExpressionAttributeValues)
	u, err := parseUpdate(c.UpdateExpression, s)
	if err != nil {
		return nil, err
	}
	when, err := parseCondition(c.ConditionExpression, s)
	if err != nil {
		return nil, err
	}
	if err := firstOf(s.check(), c.returns("ALL_OLD", "ALL_NEW")); err != nil {
		return nil, err
	}
	id, err := table.key.only(c.Key)
	if err != nil {
		return nil, err
	}
	was := table.now(id)
	if err := c.meets(when, was); err != nil {
		return nil, err
	}
	from := was
	if from == nil {
		from = table.key.item(id)
	}
	to, err := u.apply(from, table.key)
	if err != nil {
		return nil, err
	}
	table.write(id, to, t.options.Lag)
	if c.ReturnValues == "ALL_NEW" {
		return writeAnswer{Attributes: to}, nil
	}
	return c.old(was), nil
}

type deleteItem struct {
	write
	Key Item
}

func (c *deleteItem) place() (name, id string) { return c.write.place(c.Key) }

// run removes an item. One that is not there is removed too, if the condition allows it.
func (c *deleteItem) run(t *Tables) (any, error) {
	table, err := t.usable(c.TableName)
	if err != nil {
		return nil, err
	}
	s := newScope(c.ExpressionAttributeNames, c.ExpressionAttributeValues)
	when, err := parseCondition(c.ConditionExpression, s)
	if err != nil {
		return nil, err
	}
	if err := firstOf(s.check(), c.returns("ALL_OLD")); err != nil {
		return nil, err
	}
	id, err := table.key.only(c.Key)
	if err != nil {
		return nil, err
	}
	was := table.now(id)
	if err := c.meets(when, was); err != nil {
		return nil, err
	}
	if was != nil {
		table.write(id, nil, t.options.Lag)
	}
	return c.old(was), nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

package fakekinesis

import "time"

// A keyElement and an attributeDefinition are a table's key, said twice.
type keyElement struct{ AttributeName, KeyType string }

type attributeDefinition struct{ AttributeName, AttributeType string }

type tableDescription struct {
	TableName            string
	TableArn             string
	TableStatus          string
	CreationDateTime     float64
	ItemCount            int
	KeySchema            []keyElement
	AttributeDefinitions []attributeDefinition
	BillingModeSummary   map[string]string
}

func (t *Tables) describe(of *table) map[string]tableDescription {
	return map[string]tableDescription{"Table": t.description(of)}
}

func (t *Tables) description(of *table) tableDescription {
	return tableDescription{
		TableName:            of.name,
		TableArn:             "arn:aws:dynamodb:us-east-1:000000000000:table/" + of.name,
		TableStatus:          of.status(t.options.Creating),
		CreationDateTime:     float64(of.created.UnixMilli()) / float64(time.Second/time.Millisecond),
		ItemCount:            0, // the service counts every six hours or so
		KeySchema:            of.schema(),
		AttributeDefinitions: of.definitions(),
		BillingModeSummary:   map[string]string{"BillingMode": of.billing},
	}
}

func (t *table) schema() []keyElement {
	schema := []keyElement{{AttributeName: t.key.name, KeyType: "HASH"}}
	if t.sort.name != "" {
		schema = append(schema, keyElement{AttributeName: t.sort.name, KeyType: "RANGE"})
	}
	return schema
}

func (t *table) definitions() []attributeDefinition {
	all := []attributeDefinition{{AttributeName: t.key.name, AttributeType: t.key.kind}}
	if t.sort.name != "" {
		all = append(all, attributeDefinition{AttributeName: t.sort.name, AttributeType: t.sort.kind})
	}
	return all
}

type createTable struct {
	TableName             string
	KeySchema             []keyElement
	AttributeDefinitions  []attributeDefinition
	BillingMode           string
	ProvisionedThroughput *struct{ ReadCapacityUnits, WriteCapacityUnits int64 }
}

func (c *createTable) place() (name, id string) { return c.TableName, "" }

// run makes a table. One with a sort key can be made and described, and takes no items.
func (c *createTable) run(t *Tables) (any, error) {
	made := newTable(c.TableName, key{}, time.Now())
	kinds := map[string]string{}
	for _, d := range c.AttributeDefinitions {
		kinds[d.AttributeName] = d.AttributeType
	}
	for n, e := range c.KeySchema {
		k := key{name: e.AttributeName, kind: kinds[e.AttributeName]}
		switch {
		case k.kind != kindS && k.kind != kindN && k.kind != kindB:
			return nil, invalid("KeySchema: %s has no AttributeDefinition", e.AttributeName)
		case n == 0 && e.KeyType == "HASH":
			made.key = k
		case n == 1 && e.KeyType == "RANGE":
			made.sort = k
		default:
			return nil, invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
		}
	}
	if c.BillingMode != "" {
		made.billing = c.BillingMode
	} else {
		made.billing = "PROVISIONED"
	}
	switch {
	case !tableNames.MatchString(c.TableName):
		return nil, invalid("TableName has 3 to 255 characters, of a-z, A-Z, 0-9, '_', '-' and '.'")
	case made.key.name == "" || len(kinds) != len(c.KeySchema):
		return nil, invalid("KeySchema and AttributeDefinitions are not of the same attributes")
	case (made.billing == "PROVISIONED") != (c.ProvisionedThroughput != nil):
		return nil, invalid("ProvisionedThroughput comes with the BillingMode PROVISIONED, and only with it")
	case t.tables[c.TableName] != nil:
		return nil, &refusal{code: "ResourceInUseException", message: "Table already exists: " + c.TableName}
	}
	t.tables[c.TableName] = made
	return map[string]tableDescription{"TableDescription": t.description(made)}, nil
}

type describeTable struct{ TableName string }

func (c *describeTable) place() (name, id string) { return c.TableName, "" }

func (c *describeTable) run(t *Tables) (any, error) {
	if t.tables[c.TableName] == nil {
		return nil, missing("Requested resource not found: Table: %s not found", c.TableName)
	}
	return t.describe(t.tables[c.TableName]), nil
}

type deleteTable struct{ TableName string }

func (c *deleteTable) place() (name, id string) { return c.TableName, "" }

func (c *deleteTable) run(t *Tables) (any, error) {
	table := t.tables[c.TableName]
	switch {
	case table == nil:
		return nil, missing("Requested resource not found: Table: %s not found", c.TableName)
	case table.status(t.options.Creating) != tableActive:
		return nil, &refusal{code: "ResourceInUseException", message: "Table is being created: " + c.TableName}
	}
	delete(t.tables, c.TableName)
	return map[string]tableDescription{"TableDescription": t.description(table)}, nil
}

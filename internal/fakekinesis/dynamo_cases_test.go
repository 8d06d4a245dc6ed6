package fakekinesis_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

// A tableCase is a write and what becomes of it. The same cases run on DynamoDB Local.
type tableCase struct {
	why    string // a sentence of the service's documentation, or what is asked
	before string // attributes of the item besides its key; "-": there is no item
	op     string // default UpdateItem
	with   string // members of the request besides the table and the key
	code   string // of the error; "": it is done
	after  string // the attributes then, unless the code says that they are as before; "-": there is no item
}

const (
	refusedCode = "ConditionalCheckFailedException"
	invalidCode = "ValidationException"
)

// when is an update that changes nothing where the condition is met.
func when(condition, rest string) string {
	return fmt.Sprintf(`"ConditionExpression":%q%s`, condition, join(rest))
}

func update(expression, rest string) string {
	return fmt.Sprintf(`"UpdateExpression":%q%s`, expression, join(rest))
}

// v is the value that an expression calls :v.
func v(value string) string { return `"ExpressionAttributeValues":{":v":` + value + `}` }

// item is what PutItem stores, with the key "k".
func item(attributes string) string { return `"Item":{"leaseKey":{"S":"k"}` + join(attributes) + `}` }

// longest is the text of an attribute with a name of one byte that fills an item.
var longest = strings.Repeat("x", 400<<10-len("leaseKeyka"))

// everyType is an attribute of each, in the order of their names.
const everyType = `"b":{"B":""},"bs":{"BS":["AA=="]},"l":{"L":[{"N":"1"},{"L":[]}]},"m":{"M":{"x":{"S":"y"}}},` +
	`"n":{"N":"-0.5"},"ns":{"NS":["1","2"]},"s":{"S":""},"ss":{"SS":["x","y"]},"t":{"BOOL":false},"u":{"NULL":true}`

var conditionCases = []tableCase{
	{why: "attribute_exists: True if the item contains the attribute", before: `"a":{"N":"1"}`,
		with: when("attribute_exists(a)", "")},
	{before: `"b":{"N":"1"}`, with: when("attribute_exists(a)", ""), code: refusedCode},
	{before: "-", with: when("attribute_exists(leaseKey)", ""), code: refusedCode},
	{why: "attribute_not_exists: True if the attribute is not in the item", before: `"b":{"N":"1"}`,
		with: when("attribute_not_exists(a)", "")},
	{before: `"a":{"N":"1"}`, with: when("attribute_not_exists(a)", ""), code: refusedCode},
	{why: "a = b: a is equal to b", before: `"a":{"N":"10"}`, with: when("a = :v", v(`{"N":"1E1"}`))},
	{before: `"a":{"N":"10"}`, with: when("a = :v", v(`{"N":"9"}`)), code: refusedCode},
	{why: "values of different types are not equal", before: `"a":{"N":"1"}`,
		with: when("a = :v", v(`{"S":"1"}`)), code: refusedCode},
	{why: "sets are equal in whatever order", before: `"a":{"SS":["x","y"]}`,
		with: when("a = :v", v(`{"SS":["y","x"]}`))},
	{before: `"a":{"BOOL":true}`, with: when("a = :v", v(`{"BOOL":true}`))},
	{before: `"a":{"B":"AAE="}`, with: when("a = :v", v(`{"B":"AAI="}`)), code: refusedCode},
	{why: "nothing equals an attribute that is not there", before: `"b":{"N":"1"}`,
		with: when("a = :v", v(`{"N":"1"}`)), code: refusedCode},
	{why: "a <> b: a is not equal to b", before: `"a":{"N":"1"}`, with: when("a <> :v", v(`{"N":"2"}`))},
	{before: `"a":{"N":"1"}`, with: when("a <> :v", v(`{"N":"1"}`)), code: refusedCode},
	{why: "an attribute that is not there differs", before: `"b":{"N":"1"}`, with: when("a <> :v", v(`{"N":"2"}`))},
	{why: "a < b: a is less than b, as numbers", before: `"a":{"N":"9"}`, with: when("a < :v", v(`{"N":"10"}`))},
	{before: `"a":{"N":"10"}`, with: when("a < :v", v(`{"N":"10"}`)), code: refusedCode},
	{before: `"a":{"S":"9"}`, with: when("a < :v", v(`{"S":"10"}`)), code: refusedCode},
	{before: `"b":{"N":"9"}`, with: when("a < :v", v(`{"N":"10"}`)), code: refusedCode},
	{before: `"a":{"N":"9"}`, with: when("a <= :v", v(`{"N":"9"}`))},
	{before: `"a":{"N":"9"}`, with: when("a >= :v", v(`{"N":"9"}`))},
	{before: `"a":{"N":"9"}`, with: when("a > :v", v(`{"N":"8.5"}`))},
	{before: `"a":{"N":"9"}`, with: when(":v > a", v(`{"N":"8.5"}`)), code: refusedCode},
	{why: "two attributes are compared", before: `"a":{"N":"9"},"b":{"N":"9"}`, with: when("a = b", "")},
	{why: "maps and lists are compared whole", before: `"a":{"M":{"x":{"L":[{"N":"1"},{"NULL":true}]}}}`,
		with: when("a = :v", v(`{"M":{"x":{"L":[{"N":"1.0"},{"NULL":true}]}}}`))},
	{before: `"a":{"M":{"x":{"L":[{"N":"1"}]}}}`,
		with: when("a = :v", v(`{"M":{"x":{"L":[{"N":"2"}]}}}`)), code: refusedCode},
	{before: `"a":{"M":{"x":{"N":"1"}}}`,
		with: when("a = :v", v(`{"M":{"x":{"N":"1"},"y":{"N":"1"}}}`)), code: refusedCode},
	{before: `"a":{"S":"b"}`, with: when("a > :v", v(`{"S":"B"}`))},
	{why: "a flag has no order", before: `"a":{"N":"9"}`, with: when("a < :v", v(`{"BOOL":true}`)), code: invalidCode},

	{why: "NOT binds closer than AND, AND closer than OR", before: `"a":{"N":"1"}`,
		with: when("NOT attribute_exists(b) AND attribute_exists(a)", "")},
	{before: `"a":{"N":"1"}`, with: when("attribute_exists(a) OR attribute_exists(a) AND attribute_exists(b)", "")},
	{before: `"a":{"N":"1"}`,
		with: when("(attribute_exists(a) OR attribute_exists(a)) AND attribute_exists(b)", ""), code: refusedCode},
	{before: `"a":{"N":"1"}`, with: when("NOT (attribute_exists(a) AND attribute_exists(b))", "")},
	{before: `"a":{"N":"1"}`, with: when("not attribute_exists(b) and attribute_exists(a)", "")},
	{before: `"a":{"N":"1"}`,
		with: when("((attribute_exists(a)) OR attribute_exists(b)) AND (attribute_exists(a))", "")},
	{why: "redundant parentheses", before: `"a":{"N":"1"}`,
		with: when("((attribute_exists(a)))", ""), code: invalidCode},

	{why: "names stand for attributes", before: `"a-b":{"N":"1"}`,
		with: when("attribute_exists(#n)", `"ExpressionAttributeNames":{"#n":"a-b"}`)},
	{why: "a name that is not defined", before: `"a":{"N":"1"}`,
		with: when("attribute_exists(#n)", ""), code: invalidCode},
	{why: "a value that is not defined", before: `"a":{"N":"1"}`, with: when("a = :v", ""), code: invalidCode},
	{why: "a name that is not used", before: `"a":{"N":"1"}`,
		with: when("attribute_exists(a)", `"ExpressionAttributeNames":{"#n":"a"}`), code: invalidCode},
	{why: "a value that is not used", before: `"a":{"N":"1"}`,
		with: when("attribute_exists(a)", v(`{"N":"1"}`)), code: invalidCode},
	{why: "a placeholder of a name begins with #", before: `"a":{"N":"1"}`,
		with: when("attribute_exists(a)", `"ExpressionAttributeNames":{"n":"a"}`), code: invalidCode},
	{why: "a placeholder of a value begins with :", before: `"a":{"N":"1"}`,
		with: when("attribute_exists(a)", `"ExpressionAttributeValues":{"v":{"N":"1"}}`), code: invalidCode},
	{why: "The maximum length of any expression string is 4 KB", before: `"a":{"N":"1"}`,
		with: when("attribute_exists("+strings.Repeat("a", 4096)+")", ""), code: invalidCode},
	{why: "an unknown function", before: `"a":{"N":"1"}`, with: when("attribute_present(a)", ""), code: invalidCode},
	{why: "an unknown operator", before: `"a":{"N":"1"}`, with: when("a == :v", v(`{"N":"1"}`)), code: invalidCode},
	{before: `"a":{"N":"1"}`, with: when("a != :v", v(`{"N":"1"}`)), code: invalidCode},
	{why: "an unfinished expression", before: `"a":{"N":"1"}`,
		with: when("attribute_exists(a) AND", ""), code: invalidCode},
	{before: `"a":{"N":"1"}`, with: when("attribute_exists(a", ""), code: invalidCode},
	{before: `"a":{"N":"1"}`, with: when("attribute_exists(a))", ""), code: invalidCode},
	{before: `"a":{"N":"1"}`, with: when("attribute_exists(a) attribute_exists(a)", ""), code: invalidCode},
	{why: "an empty expression", before: `"a":{"N":"1"}`, with: when("", ""), code: invalidCode},
}

var updateCases = []tableCase{
	{why: "SET adds attributes or replaces their values", before: `"a":{"N":"1"}`,
		with: update("SET a = :v, b = :v", v(`{"S":"x"}`)), after: `"a":{"S":"x"},"b":{"S":"x"}`},
	{why: "SET increments and decrements numbers", before: `"a":{"N":"1"},"b":{"N":"1"}`,
		with: update("SET a = a + :v, b = b - :v", v(`{"N":"2.5"}`)), after: `"a":{"N":"3.5"},"b":{"N":"-1.5"}`},
	{why: "the right side is what the item was before", before: `"a":{"N":"1"},"b":{"N":"2"}`,
		with: update("SET a = b, b = a", ""), after: `"a":{"N":"2"},"b":{"N":"1"}`},
	{why: "if_not_exists", before: `"a":{"N":"1"}`,
		with:  update("SET a = if_not_exists(a, :v), b = if_not_exists(b, :v)", v(`{"N":"7"}`)),
		after: `"a":{"N":"1"},"b":{"N":"7"}`},
	{before: `"a":{"N":"1"}`, with: update("SET b = if_not_exists(a)", ""), code: invalidCode},
	{before: `"a":{"N":"1"}`, with: update("SET b = if_not_exists(a, c", ""), code: invalidCode},
	{why: "an attribute that is not there has no value", before: `"a":{"N":"1"}`,
		with: update("SET a = b + :v", v(`{"N":"7"}`)), code: invalidCode},
	{why: "a text is not added to", before: `"a":{"S":"1"}`,
		with: update("SET a = a + :v", v(`{"N":"7"}`)), code: invalidCode},
	{why: "REMOVE removes attributes, there or not", before: `"a":{"N":"1"},"b":{"N":"2"}`,
		with: update("REMOVE a, c", ""), after: `"b":{"N":"2"}`},
	{why: "ADD adds to a number, and makes one of 0", before: `"a":{"N":"9007199254740993"}`,
		with: update("ADD a :v, b :v", v(`{"N":"1"}`)), after: `"a":{"N":"9007199254740994"},"b":{"N":"1"}`},
	{why: "ADD of a text", before: `"a":{"N":"1"}`, with: update("ADD a :v", v(`{"S":"1"}`)), code: invalidCode},
	{why: "ADD to a text", before: `"a":{"S":"1"}`, with: update("ADD a :v", v(`{"N":"1"}`)), code: invalidCode},
	{why: "sections come in any order", before: `"a":{"N":"1"},"b":{"N":"2"}`,
		with: update("remove b add a :v set c = :v", v(`{"N":"1"}`)), after: `"a":{"N":"2"},"c":{"N":"1"}`},
	{why: "and each once", before: `"a":{"N":"1"}`,
		with: update("SET b = :v SET c = :v", v(`{"N":"1"}`)), code: invalidCode},
	{why: "paths do not overlap", before: `"a":{"N":"1"}`,
		with: update("SET a = :v REMOVE a", v(`{"N":"1"}`)), code: invalidCode},
	{why: "the key is not updated", before: `"a":{"N":"1"}`,
		with: update("SET leaseKey = :v", v(`{"S":"x"}`)), code: invalidCode},
	{why: "an unknown function", before: `"a":{"N":"1"}`, with: update("SET a = twice(a)", ""), code: invalidCode},
	{why: "an unknown section", before: `"a":{"N":"1"}`,
		with: update("PUT a = :v", v(`{"N":"1"}`)), code: invalidCode},
	{why: "an unfinished expression", before: `"a":{"N":"1"}`, with: update("SET a =", ""), code: invalidCode},
	{before: `"a":{"N":"1"}`, with: update("SET a = :v,", v(`{"N":"1"}`)), code: invalidCode},
	{before: `"a":{"N":"1"}`, with: update("", ""), code: invalidCode},
	{why: "If no item with that key exists, UpdateItem creates a new item", before: "-",
		with: update("SET a = :v", v(`{"N":"1"}`)), after: `"a":{"N":"1"}`},
	{why: "unless the condition refuses", before: "-",
		with: update("SET a = :v", `"ConditionExpression":"a = :v","ExpressionAttributeValues":{":v":{"N":"1"}}`),
		code: refusedCode},
	{why: "one value for both expressions", before: `"a":{"N":"1"}`,
		with:  update("SET b = :v", `"ConditionExpression":"a = :v","ExpressionAttributeValues":{":v":{"N":"1"}}`),
		after: `"a":{"N":"1"},"b":{"N":"1"}`},
	{why: "A set may not be empty", before: `"a":{"N":"1"}`,
		with: update("SET b = :v", v(`{"SS":[]}`)), code: invalidCode},
	{why: "an item of more than 400 KB", before: `"a":{"N":"1"}`,
		with: update("SET b = :v", v(`{"S":"`+strings.Repeat("x", 400<<10)+`"}`)), code: invalidCode},
}

var writeCases = []tableCase{
	{why: "PutItem replaces the whole item", before: `"a":{"N":"1"}`, op: "PutItem",
		with: item(`"b":{"N":"2"}`), after: `"b":{"N":"2"}`},
	{why: "unless the condition refuses", before: `"a":{"N":"1"}`, op: "PutItem",
		with: `"Item":{"leaseKey":{"S":"k"}},"ConditionExpression":"attribute_not_exists(leaseKey)"`,
		code: refusedCode},
	{before: "-", op: "PutItem",
		with:  `"Item":{"leaseKey":{"S":"k"},"a":{"N":"1"}},"ConditionExpression":"attribute_not_exists(leaseKey)"`,
		after: `"a":{"N":"1"}`},
	{why: "every type", before: "-", op: "PutItem",
		with: item(everyType), after: everyType},
	{why: "leading and trailing zeroes are trimmed", before: "-", op: "PutItem",
		with:  item(`"a":{"N":"007.50"},"b":{"N":"1e3"},"c":{"N":"-0"},"d":{"N":"12E-4"}`),
		after: `"a":{"N":"7.5"},"b":{"N":"1000"},"c":{"N":"0"},"d":{"N":"0.0012"}`},
	{why: "Numbers can have up to 38 digits of precision", before: "-", op: "PutItem",
		with: item(`"a":{"N":"123456789012345678901234567890123456789"}`), code: invalidCode},
	{why: "and magnitudes to 9.99E+125", before: "-", op: "PutItem",
		with: item(`"a":{"N":"1E126"}`), code: invalidCode},
	{before: "-", op: "PutItem", with: item(`"a":{"N":"1E-131"}`), code: invalidCode},
	{before: "-", op: "PutItem", with: item(`"a":{"N":"one"}`), code: invalidCode},
	{before: "-", op: "PutItem", with: item(`"a":{"N":""}`), code: invalidCode},
	{why: "A set may not be empty", before: "-", op: "PutItem", with: item(`"a":{"SS":[]}`), code: invalidCode},
	{why: "Each value within a set must be unique", before: "-", op: "PutItem",
		with: item(`"a":{"SS":["x","x"]}`), code: invalidCode},
	{why: "an attribute has one value", before: "-", op: "PutItem",
		with: item(`"a":{"S":"x","N":"1"}`), code: invalidCode},
	{before: "-", op: "PutItem", with: item(`"a":{}`), code: invalidCode},
	{before: "-", op: "PutItem", with: item(`"a":{"NULL":false}`), code: invalidCode},
	{why: "the key is there, of its type and not empty", before: "-", op: "PutItem",
		with: `"Item":{"a":{"S":"x"}}`, code: invalidCode},
	{before: "-", op: "PutItem", with: `"Item":{"leaseKey":{"N":"1"}}`, code: invalidCode},
	{before: "-", op: "PutItem", with: `"Item":{"leaseKey":{"S":""}}`, code: invalidCode},
	{why: "The maximum length of a partition key value is 2048 bytes", before: "-", op: "PutItem",
		with: `"Item":{"leaseKey":{"S":"` + strings.Repeat("k", 2049) + `"}}`, code: invalidCode},
	{why: "The maximum item size in DynamoDB is 400 KB, which includes both attribute name binary length and attribute value lengths",
		before: "-", op: "PutItem",
		with: `"Item":{"leaseKey":{"S":"k"},"a":{"S":"` + longest + `"}}`, after: `"a":{"S":"` + longest + `"}`},
	{before: "-", op: "PutItem",
		with: `"Item":{"leaseKey":{"S":"k"},"a":{"S":"` + longest + "x" + `"}}`,
		code: invalidCode},
	{why: "DeleteItem", before: `"a":{"N":"1"}`, op: "DeleteItem",
		with:  `"Key":{"leaseKey":{"S":"k"}},"ConditionExpression":"a = :v","ExpressionAttributeValues":{":v":{"N":"1"}}`,
		after: "-"},
	{before: `"a":{"N":"1"}`, op: "DeleteItem",
		with: `"Key":{"leaseKey":{"S":"k"}},"ConditionExpression":"a = :v","ExpressionAttributeValues":{":v":{"N":"2"}}`,
		code: refusedCode},
	{why: "Unless you specify conditions, the DeleteItem is an idempotent operation", before: "-", op: "DeleteItem",
		with: `"Key":{"leaseKey":{"S":"k"}}`, after: "-"},
	{why: "a key of the schema", before: `"a":{"N":"1"}`, op: "DeleteItem",
		with: `"Key":{"a":{"N":"1"}}`, code: invalidCode},
	{before: `"a":{"N":"1"}`, op: "DeleteItem", with: `"Key":{"leaseKey":{"S":"k"},"a":{"N":"1"}}`, code: invalidCode},
	{why: "a return that the operation does not have", before: `"a":{"N":"1"}`, op: "DeleteItem",
		with: `"Key":{"leaseKey":{"S":"k"}},"ReturnValues":"ALL_NEW"`, code: invalidCode},
}

// check makes the case's item, sends its request and looks.
func (c tableCase) check(t *testing.T, w wire) {
	t.Helper()
	w.post(t, "DeleteItem", `{"TableName":"leases","Key":{"leaseKey":{"S":"k"}}}`)
	if c.before != "-" {
		w.put(t, c.before)
	}
	before := w.get(t)
	request := `"TableName":"leases",` + c.with
	op := c.op
	if op == "" {
		op = "UpdateItem"
		request += `,"Key":{"leaseKey":{"S":"k"}}`
	}
	what := fmt.Sprintf("%s %.300s", c.why, c.with)
	s := w.post(t, op, "{"+request+"}")
	require.Equal(t, c.code, s.code, "%s: %s", what, s.message)
	after := c.after
	switch {
	case c.code != "" || after == "":
		require.Equal(t, before, w.get(t), what)
	case after == "-":
		require.Empty(t, w.get(t), what)
	default:
		require.Equal(t, "{"+after+"}", w.get(t), what)
	}
}

func TestConditions(t *testing.T) {
	_, w := made(t, fakekinesis.TableOptions{})
	for _, c := range conditionCases {
		c.check(t, w)
	}
}

func TestUpdates(t *testing.T) {
	_, w := made(t, fakekinesis.TableOptions{})
	for _, c := range updateCases {
		c.check(t, w)
	}
}

func TestWrites(t *testing.T) {
	_, w := made(t, fakekinesis.TableOptions{})
	for _, c := range writeCases {
		c.check(t, w)
	}
}

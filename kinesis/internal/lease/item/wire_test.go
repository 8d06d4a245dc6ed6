package item_test

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/lease/item"
)

// golden are the items that live workers of KCL 2.7.2 and 3.5.1 wrote.
func golden(t *testing.T) []map[string]item.Value {
	t.Helper()
	file, err := os.Open("../dynamo/testdata/kcl-lease-items.jsonl")
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	var items []map[string]item.Value
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var line struct{ Item json.RawMessage }
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
		attributes, err := fromWire(line.Item)
		require.NoError(t, err)
		items = append(items, attributes)
	}
	return items
}

// fromWire reads an item in DynamoDB's JSON.
func fromWire(data []byte) (map[string]item.Value, error) {
	var wire map[string]map[string]json.RawMessage
	if err := json.Unmarshal(data, &wire); err != nil {
		return nil, err
	}
	attributes := map[string]item.Value{}
	for name, typed := range wire {
		for kind, raw := range typed {
			v, err := valueFromWire(item.Type(kind), raw)
			if err != nil {
				return nil, err
			}
			attributes[name] = v
		}
	}
	return attributes, nil
}

func valueFromWire(kind item.Type, raw []byte) (item.Value, error) {
	v := item.Value{Type: kind}
	var err error
	switch kind {
	case item.S, item.N:
		err = json.Unmarshal(raw, &v.Text)
	case item.B:
		err = json.Unmarshal(raw, &v.Bytes)
	case item.SS:
		err = json.Unmarshal(raw, &v.Set)
	case item.Bool:
		err = json.Unmarshal(raw, &v.Truth)
	case item.Null:
	default:
		v.Type = item.Other
	}
	return v, err
}

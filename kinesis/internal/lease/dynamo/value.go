package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/streamport-go/streamport/kinesis/internal/lease/item"
)

// read translates an item of the SDK.
func read(attributes map[string]types.AttributeValue) map[string]item.Value {
	all := make(map[string]item.Value, len(attributes))
	for name, v := range attributes {
		all[name] = readValue(v)
	}
	return all
}

func readValue(v types.AttributeValue) item.Value {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return item.Value{Type: item.S, Text: v.Value}
	case *types.AttributeValueMemberN:
		return item.Value{Type: item.N, Text: v.Value}
	case *types.AttributeValueMemberB:
		return item.Value{Type: item.B, Bytes: v.Value}
	case *types.AttributeValueMemberSS:
		return item.Value{Type: item.SS, Set: v.Value}
	case *types.AttributeValueMemberBOOL:
		return item.Value{Type: item.Bool, Truth: v.Value}
	case *types.AttributeValueMemberNULL:
		return item.Value{Type: item.Null}
	}
	return item.Value{Type: item.Other}
}

// write translates an item, or an expression's values, for the SDK; nil if there are none.
func write(attributes map[string]item.Value) map[string]types.AttributeValue {
	if len(attributes) == 0 {
		return nil
	}
	all := make(map[string]types.AttributeValue, len(attributes))
	for name, v := range attributes {
		all[name] = writeValue(v)
	}
	return all
}

// writeValue has no case for item.Other: nobody writes one.
func writeValue(v item.Value) types.AttributeValue {
	switch v.Type {
	case item.S:
		return &types.AttributeValueMemberS{Value: v.Text}
	case item.N:
		return &types.AttributeValueMemberN{Value: v.Text}
	case item.B:
		return &types.AttributeValueMemberB{Value: v.Bytes}
	case item.SS:
		return &types.AttributeValueMemberSS{Value: v.Set}
	case item.Bool:
		return &types.AttributeValueMemberBOOL{Value: v.Truth}
	}
	return &types.AttributeValueMemberNULL{Value: true}
}

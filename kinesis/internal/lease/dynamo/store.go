package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lease/item"
	"github.com/streamport-go/streamport/stream"
)

// MaxState is the longest state that a row may carry, in bytes; a longer one is stream.ErrTooLarge.
const MaxState = item.MaxState

// MaxItem is DynamoDB's own limit of an item with everything in it, in bytes.
const MaxItem = 400 << 10

// A Store is a table of leases. Methods may be called from many goroutines. No call is repeated here; the caller's context
// bounds its time.
type Store struct {
	client *dynamodb.Client
	table  string
}

var _ lease.Store = (*Store)(nil)

// Table is the table's name.
func (s *Store) Table() string { return s.table }

// Client is the SDK's client.
func (s *Store) Client() *dynamodb.Client { return s.client }

// Scan returns all rows in the order of their keys, over all pages, by consistent reads. It is no snapshot. A lease that
// cannot be read is an error that Is stream.ErrCorrupt.
func (s *Store) Scan(ctx context.Context) ([]lease.Row, error) {
	const maxPages = 1 << 16 // of a megabyte each; a stream has 20,000 shards at most, unless AWS raised it
	var rows []lease.Row
	var from map[string]types.AttributeValue
	for range maxPages {
		page, err := s.client.Scan(ctx, &dynamodb.ScanInput{
			TableName: &s.table, ConsistentRead: aws.Bool(true), ExclusiveStartKey: from,
		})
		if err != nil {
			return nil, readError("Scan", err)
		}
		for _, found := range page.Items {
			row, ok, err := parse(found)
			if err != nil {
				return nil, err
			}
			if ok {
				rows = append(rows, row)
			}
		}
		if from = page.LastEvaluatedKey; len(from) == 0 || mutated("one page of the table is read") {
			slices.SortFunc(rows, func(a, b lease.Row) int { return cmp.Compare(a.Key, b.Key) })
			return rows, nil
		}
	}
	return nil, fmt.Errorf("%w: the table %s has more than %d pages", stream.ErrTooLarge, s.table, maxPages)
}

// Get returns a row by a consistent read.
func (s *Store) Get(ctx context.Context, key string) (lease.Row, bool, error) {
	found, err := s.get(ctx, s.table, item.Key, key)
	if err != nil {
		return lease.Row{}, false, err
	}
	return parse(found)
}

// get is an item of a table by its key; without attributes if there is none.
func (s *Store) get(ctx context.Context, table, attribute, key string) (map[string]types.AttributeValue, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &table,
		ConsistentRead: aws.Bool(true),
		Key:            map[string]types.AttributeValue{attribute: &types.AttributeValueMemberS{Value: key}},
	})
	if err != nil {
		return nil, readError("GetItem", err)
	}
	return out.Item, nil
}

// Create writes a row if there is none with its key.
func (s *Store) Create(ctx context.Context, r lease.Row) (bool, error) {
	attributes, err := item.Build(r)
	if err != nil {
		return false, err
	}
	w := item.Absent()
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                &s.table,
		Item:                     write(attributes),
		ConditionExpression:      &w.Condition,
		ExpressionAttributeNames: w.Names,
	})
	if refused(err) != nil {
		return false, nil
	}
	return err == nil, writeError("PutItem", err)
}

// Update changes a row if it meets the condition.
//
// The row that comes with lease.ErrConflict is what refused the write, where the server tells (DynamoDB does). Where it does
// not, or where there was none, the row is read afterwards.
func (s *Store) Update(ctx context.Context, key string, c lease.Change) (lease.Row, error) {
	w, err := item.Express(c)
	if err != nil {
		return lease.Row{}, err
	}
	input := &dynamodb.UpdateItemInput{
		TableName:                           &s.table,
		Key:                                 primary(key),
		ConditionExpression:                 &w.Condition,
		ExpressionAttributeNames:            w.Names,
		ExpressionAttributeValues:           write(w.Values),
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if w.Update != "" {
		input.UpdateExpression = &w.Update
	}
	out, err := s.client.UpdateItem(ctx, input)
	if failed := refused(err); failed != nil {
		return s.instead(ctx, key, failed.Item), lease.ErrConflict
	}
	if err != nil {
		return lease.Row{}, writeError("UpdateItem", err)
	}
	row, ok, err := parse(out.Attributes)
	if err == nil && !ok {
		err = fmt.Errorf("%w: UpdateItem answered with an item that is no lease", stream.ErrCorrupt)
	}
	if err != nil {
		return lease.Row{}, fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, err)
	}
	return row, nil
}

// instead is the row that refused a write; zero if nobody knows it.
func (s *Store) instead(ctx context.Context, key string, found map[string]types.AttributeValue) lease.Row {
	if len(found) == 0 {
		row, _, err := s.Get(ctx, key)
		if err != nil {
			return lease.Row{} // the conflict is certain, and all that the caller must know
		}
		return row
	}
	row, ok, err := parse(found)
	if err != nil || !ok {
		return lease.Row{}
	}
	return row
}

// Delete removes a row if its counter is this.
func (s *Store) Delete(ctx context.Context, key string, counter int64) error {
	w := item.Counted(counter)
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                 &s.table,
		Key:                       primary(key),
		ConditionExpression:       &w.Condition,
		ExpressionAttributeNames:  w.Names,
		ExpressionAttributeValues: write(w.Values),
	})
	if refused(err) != nil {
		return lease.ErrConflict
	}
	return writeError("DeleteItem", err)
}

// primary is a row's key for the SDK.
func primary(key string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{item.Key: &types.AttributeValueMemberS{Value: key}}
}

// parse reads a row; false if there is no item, or one that is no lease.
func parse(found map[string]types.AttributeValue) (lease.Row, bool, error) {
	attributes := read(found)
	if !item.IsLease(attributes) {
		return lease.Row{}, false, nil
	}
	row, err := item.Parse(attributes)
	return row, err == nil, err
}

package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lease/item"
	"github.com/streamport-go/streamport/stream"
)

// How long Open waits for a table that is being made. It is seconds as a rule; AWS states no bound.
const (
	makingTime  = 3 * time.Minute
	makingPause = time.Second
)

// A ForeignError says that a table is none of leases. It Is stream.ErrInvalid.
type ForeignError struct {
	Table string
	Key   string // what the table's key is, such as "ShardID (S)"
}

// Error names the table and what differs.
func (e *ForeignError) Error() string {
	const form = "the table %s is not one of leases: its key is %s and not %s (S) alone; choose another name"
	return fmt.Sprintf(form, e.Table, e.Key, item.Key)
}

// Unwrap is stream.ErrInvalid.
func (e *ForeignError) Unwrap() error { return stream.ErrInvalid }

// Open returns the table of leases with this name. One that has another key than KCL's, leaseKey of type S and no sort key,
// is a *ForeignError. One that is not there is made, billed by request, if create is true, and otherwise an error that Is
// stream.ErrNotFound. Open waits for 3 minutes at most until a table that is being made can be used, whoever makes it.
func Open(ctx context.Context, client *dynamodb.Client, name string, create bool) (*Store, error) {
	s := &Store{client: client, table: name}
	status, err := s.describe(ctx)
	if errors.Is(err, stream.ErrNotFound) && create {
		status, err = types.TableStatusCreating, s.create(ctx)
	}
	if errors.Is(err, stream.ErrNotFound) {
		const form = "there is no table %s: make it with the partition key %s (S), or have it made by CreateTable: %w"
		return nil, fmt.Errorf(form, name, item.Key, err)
	}
	if err == nil && status == types.TableStatusCreating {
		status, err = s.made(ctx)
	}
	if err != nil {
		return nil, err
	}
	if err := usable(name, status); err != nil {
		return nil, err
	}
	return s, nil
}

// describe returns the table's status, or refuses a table that is not one of leases.
func (s *Store) describe(ctx context.Context) (types.TableStatus, error) {
	out, err := s.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.table})
	if err != nil {
		return "", readError("DescribeTable", err)
	}
	if out.Table == nil {
		return "", fmt.Errorf("%w: DescribeTable answered nothing of %s", stream.ErrCorrupt, s.table)
	}
	want := item.Key + " (S)"
	if key := keyOf(out.Table); key != want {
		return "", &ForeignError{Table: s.table, Key: key}
	}
	return out.Table.TableStatus, nil
}

// keyOf writes a table's key as "name (type)", with a sort key after a comma.
func keyOf(table *types.TableDescription) string {
	kinds := map[string]types.ScalarAttributeType{}
	for _, d := range table.AttributeDefinitions {
		kinds[aws.ToString(d.AttributeName)] = d.AttributeType
	}
	var parts []string
	for _, e := range table.KeySchema {
		name := aws.ToString(e.AttributeName)
		parts = append(parts, fmt.Sprintf("%s (%s)", name, kinds[name]))
	}
	return strings.Join(parts, ", ")
}

// create asks for the table. One that somebody else asked for in the meantime is as good, and so is one of a lost answer: made
// finds out.
func (s *Store) create(ctx context.Context) error {
	_, err := s.client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:   &s.table,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(item.Key), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String(item.Key), KeyType: types.KeyTypeHash}},
	})
	err = writeError("CreateTable", err)
	if api.CodeOf(err) == api.InUse || errors.Is(err, stream.ErrUnknownOutcome) && ctx.Err() == nil {
		return nil
	}
	return err
}

// made waits until the table's making is over. Descriptions lag behind: for a while the table may seem not to be there.
func (s *Store) made(ctx context.Context) (types.TableStatus, error) {
	var last error
	for range int(makingTime / makingPause) {
		status, err := s.describe(ctx)
		switch {
		case errors.Is(err, stream.ErrInvalid), errors.Is(err, stream.ErrUnauthorized), ctx.Err() != nil:
			return "", err
		case err == nil && status != types.TableStatusCreating:
			return status, nil
		}
		last = err
		if err := pause(ctx); err != nil {
			return "", err
		}
	}
	if last == nil {
		last = fmt.Errorf("%w: it is still being made", stream.ErrNotFound)
	}
	return "", fmt.Errorf("the table %s cannot be used after %v: %w", s.table, makingTime, last)
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(makingPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// usable refuses a table that takes no items. One that is being updated does.
func usable(name string, status types.TableStatus) error {
	switch status {
	case types.TableStatusActive, types.TableStatusUpdating:
		return nil
	case types.TableStatusInaccessibleEncryptionCredentials:
		return fmt.Errorf("%w: the key that encrypts the table %s", stream.ErrUnauthorized, name)
	}
	return fmt.Errorf("%w: the table %s is %s", stream.ErrNotFound, name, status)
}

package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/streamport-go/streamport/kinesis/internal/lease/item"
	"github.com/streamport-go/streamport/stream"
)

// A Fleet says by which rules KCL's workers on a table share its leases.
type Fleet string

// The fleets.
const (
	// NoFleet: no worker of KCL 3 has left a mark. There are none of KCL, or only 1.x, 2.x, or 3.x in
	// COMPATIBLE_WITH_2X_PHASE1.
	NoFleet Fleet = ""
	// Compatible: KCL 3 shares leases by the rules of 2.x. It may go over to its own when all owners are of KCL 3.
	Compatible Fleet = "2X"
	// Assigned: a leader of KCL 3 assigns leases to workers that publish metrics. Nobody else may take one.
	Assigned Fleet = "3X"
)

// Where KCL 3 keeps the state of its migration: in the lease table, or in an older worker's table beside it.
const (
	migration        = "Migration3.0"
	clientVersion    = "cv"
	coordinatorTable = "-CoordinatorState" // after the lease table's name
	coordinatorKey   = "key"
)

// Fleet reads KCL's state of migration. It costs one read, and another of KCL's coordinator table where the lease table does
// not say; a role that may not read that table gets an error that Is stream.ErrUnauthorized, and cannot know.
func (s *Store) Fleet(ctx context.Context) (Fleet, error) {
	found, err := s.get(ctx, s.table, item.Key, migration)
	if err != nil {
		return NoFleet, err
	}
	if len(found) == 0 {
		found, err = s.get(ctx, s.table+coordinatorTable, coordinatorKey, migration)
	}
	if errors.Is(err, stream.ErrNotFound) || err == nil && len(found) == 0 {
		return NoFleet, nil
	}
	if err != nil {
		return NoFleet, err
	}
	return fleetOf(found)
}

// fleetOf reads a state. One that is not known is none by whose rules leases may be taken.
func fleetOf(found map[string]types.AttributeValue) (Fleet, error) {
	version, ok := found[clientVersion].(*types.AttributeValueMemberS)
	if !ok {
		return Assigned, fmt.Errorf("%w: the state of KCL's migration has no version", stream.ErrCorrupt)
	}
	switch name := strings.TrimPrefix(version.Value, "CLIENT_VERSION_"); name {
	case "INIT", "2X", "UPGRADE_FROM_2X":
		return Compatible, nil
	}
	return Assigned, nil
}

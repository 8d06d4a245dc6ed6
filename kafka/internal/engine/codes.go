package engine

import (
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// A Code is an error code of the Kafka protocol. 0 is no error.
type Code int16

// The codes that code of this package and of the engines acts on.
const (
	OffsetOutOfRange       Code = 1
	UnknownTopic           Code = 3
	NoLeader               Code = 5
	NotLeader              Code = 6
	CoordinatorLoading     Code = 14
	CoordinatorUnavailable Code = 15
	NotCoordinator         Code = 16
	TopicDenied            Code = 29
	GroupDenied            Code = 30
	ClusterDenied          Code = 31
	TopicExists            Code = 36
	InvalidPartitions      Code = 37
	InvalidReplication     Code = 38
	InvalidConfig          Code = 40
	NotController          Code = 41
	PolicyViolation        Code = 44
	TransactionalIDDenied  Code = 53
	GroupNotFound          Code = 69
	OffsetNotAvailable     Code = 78
	UnstableOffsets        Code = 88
	UnknownTopicID         Code = 100
)

// String returns the name that Kafka gives the code, or the number if it is not known.
func (c Code) String() string {
	if known, ok := codes[c]; ok {
		return known.name
	}
	return fmt.Sprintf("UNKNOWN_ERROR_CODE_%d", int16(c))
}

// Sentinel returns what a caller can act on, or nil: then the record, or the change, did not happen and there is nothing
// to be done but to try again later. The broker's reason for a code can depend on the request. This is what it means to
// whoever sees it after the library's own retries.
func (c Code) Sentinel() error { return codes[c].sentinel }

// AtCoordinator reports whether the request went to a broker that does not, or not yet, coordinate the group. It did
// nothing and may be sent again.
func (c Code) AtCoordinator() bool {
	return c == CoordinatorLoading || c == CoordinatorUnavailable || c == NotCoordinator
}

// AtLeader reports whether the request went to a broker that does not, or not yet, lead the partition, as for a moment
// after a topic was made and whenever a leader moves. It did nothing and may be sent again.
func (c Code) AtLeader() bool { return c == NoLeader || c == NotLeader || c == OffsetNotAvailable }

// codes is the table of the protocol's error codes, of Apache Kafka 4.4.
//
//   - An answer that came too late, or of too few replicas, leaves the outcome open (7, 13, 20).
//   - A member or a producer that somebody else has replaced has lost its partitions (22 to 27, 47, 52, 69, 82, 90, 110,
//     111, 113).
//   - 87 INVALID_RECORD is the broker's refusal of a record, such as one without key on a compacted topic, not damage.
//   - 120, 59, 49, 45, 48 and 55 abort a transaction: nothing is visible, and no sentinel says more.
var codes = map[Code]struct {
	name     string
	sentinel error
}{
	-1:  {"UNKNOWN_SERVER_ERROR", nil},
	1:   {"OFFSET_OUT_OF_RANGE", stream.ErrExpired},
	2:   {"CORRUPT_MESSAGE", stream.ErrCorrupt},
	3:   {"UNKNOWN_TOPIC_OR_PARTITION", stream.ErrNotFound},
	4:   {"INVALID_FETCH_SIZE", stream.ErrInvalid},
	5:   {"LEADER_NOT_AVAILABLE", nil},
	6:   {"NOT_LEADER_FOR_PARTITION", nil},
	7:   {"REQUEST_TIMED_OUT", stream.ErrUnknownOutcome},
	8:   {"BROKER_NOT_AVAILABLE", nil},
	9:   {"REPLICA_NOT_AVAILABLE", nil},
	10:  {"MESSAGE_TOO_LARGE", stream.ErrTooLarge},
	11:  {"STALE_CONTROLLER_EPOCH", nil},
	12:  {"OFFSET_METADATA_TOO_LARGE", stream.ErrTooLarge},
	13:  {"NETWORK_EXCEPTION", stream.ErrUnknownOutcome},
	14:  {"COORDINATOR_LOAD_IN_PROGRESS", nil},
	15:  {"COORDINATOR_NOT_AVAILABLE", nil},
	16:  {"NOT_COORDINATOR", nil},
	17:  {"INVALID_TOPIC_EXCEPTION", stream.ErrInvalid},
	18:  {"RECORD_LIST_TOO_LARGE", stream.ErrTooLarge},
	19:  {"NOT_ENOUGH_REPLICAS", nil},
	20:  {"NOT_ENOUGH_REPLICAS_AFTER_APPEND", stream.ErrUnknownOutcome},
	21:  {"INVALID_REQUIRED_ACKS", stream.ErrInvalid},
	22:  {"ILLEGAL_GENERATION", stream.ErrLost},
	23:  {"INCONSISTENT_GROUP_PROTOCOL", stream.ErrInvalid},
	24:  {"INVALID_GROUP_ID", stream.ErrInvalid},
	25:  {"UNKNOWN_MEMBER_ID", stream.ErrLost},
	26:  {"INVALID_SESSION_TIMEOUT", stream.ErrInvalid},
	27:  {"REBALANCE_IN_PROGRESS", stream.ErrLost},
	28:  {"INVALID_COMMIT_OFFSET_SIZE", stream.ErrTooLarge},
	29:  {"TOPIC_AUTHORIZATION_FAILED", stream.ErrUnauthorized},
	30:  {"GROUP_AUTHORIZATION_FAILED", stream.ErrUnauthorized},
	31:  {"CLUSTER_AUTHORIZATION_FAILED", stream.ErrUnauthorized},
	32:  {"INVALID_TIMESTAMP", stream.ErrInvalid},
	33:  {"UNSUPPORTED_SASL_MECHANISM", stream.ErrUnauthorized},
	34:  {"ILLEGAL_SASL_STATE", stream.ErrUnauthorized},
	35:  {"UNSUPPORTED_VERSION", stream.ErrUnsupported},
	36:  {"TOPIC_ALREADY_EXISTS", ErrExists},
	37:  {"INVALID_PARTITIONS", stream.ErrInvalid},
	38:  {"INVALID_REPLICATION_FACTOR", stream.ErrInvalid},
	39:  {"INVALID_REPLICA_ASSIGNMENT", stream.ErrInvalid},
	40:  {"INVALID_CONFIG", stream.ErrInvalid},
	41:  {"NOT_CONTROLLER", nil},
	42:  {"INVALID_REQUEST", stream.ErrInvalid},
	43:  {"UNSUPPORTED_FOR_MESSAGE_FORMAT", stream.ErrUnsupported},
	44:  {"POLICY_VIOLATION", stream.ErrInvalid},
	45:  {"OUT_OF_ORDER_SEQUENCE_NUMBER", nil},
	46:  {"DUPLICATE_SEQUENCE_NUMBER", nil},
	47:  {"INVALID_PRODUCER_EPOCH", stream.ErrLost},
	48:  {"INVALID_TXN_STATE", nil},
	49:  {"INVALID_PRODUCER_ID_MAPPING", nil},
	50:  {"INVALID_TRANSACTION_TIMEOUT", stream.ErrInvalid},
	51:  {"CONCURRENT_TRANSACTIONS", nil},
	52:  {"TRANSACTION_COORDINATOR_FENCED", stream.ErrLost},
	53:  {"TRANSACTIONAL_ID_AUTHORIZATION_FAILED", stream.ErrUnauthorized},
	54:  {"SECURITY_DISABLED", stream.ErrUnauthorized},
	55:  {"OPERATION_NOT_ATTEMPTED", nil},
	56:  {"KAFKA_STORAGE_ERROR", nil},
	57:  {"LOG_DIR_NOT_FOUND", nil},
	58:  {"SASL_AUTHENTICATION_FAILED", stream.ErrUnauthorized},
	59:  {"UNKNOWN_PRODUCER_ID", nil},
	60:  {"REASSIGNMENT_IN_PROGRESS", nil},
	61:  {"DELEGATION_TOKEN_AUTH_DISABLED", stream.ErrUnauthorized},
	62:  {"DELEGATION_TOKEN_NOT_FOUND", stream.ErrUnauthorized},
	63:  {"DELEGATION_TOKEN_OWNER_MISMATCH", stream.ErrUnauthorized},
	64:  {"DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", stream.ErrUnauthorized},
	65:  {"DELEGATION_TOKEN_AUTHORIZATION_FAILED", stream.ErrUnauthorized},
	66:  {"DELEGATION_TOKEN_EXPIRED", stream.ErrUnauthorized},
	67:  {"INVALID_PRINCIPAL_TYPE", stream.ErrInvalid},
	68:  {"NON_EMPTY_GROUP", nil},
	69:  {"GROUP_ID_NOT_FOUND", stream.ErrLost},
	70:  {"FETCH_SESSION_ID_NOT_FOUND", nil},
	71:  {"INVALID_FETCH_SESSION_EPOCH", nil},
	72:  {"LISTENER_NOT_FOUND", nil},
	73:  {"TOPIC_DELETION_DISABLED", stream.ErrUnsupported},
	74:  {"FENCED_LEADER_EPOCH", nil},
	75:  {"UNKNOWN_LEADER_EPOCH", nil},
	76:  {"UNSUPPORTED_COMPRESSION_TYPE", stream.ErrUnsupported},
	77:  {"STALE_BROKER_EPOCH", nil},
	78:  {"OFFSET_NOT_AVAILABLE", nil},
	79:  {"MEMBER_ID_REQUIRED", nil},
	80:  {"PREFERRED_LEADER_NOT_AVAILABLE", nil},
	81:  {"GROUP_MAX_SIZE_REACHED", stream.ErrInvalid},
	82:  {"FENCED_INSTANCE_ID", stream.ErrLost},
	83:  {"ELIGIBLE_LEADERS_NOT_AVAILABLE", nil},
	84:  {"ELECTION_NOT_NEEDED", nil},
	85:  {"NO_REASSIGNMENT_IN_PROGRESS", nil},
	86:  {"GROUP_SUBSCRIBED_TO_TOPIC", nil},
	87:  {"INVALID_RECORD", stream.ErrInvalid},
	88:  {"UNSTABLE_OFFSET_COMMIT", nil},
	89:  {"THROTTLING_QUOTA_EXCEEDED", stream.ErrThrottled},
	90:  {"PRODUCER_FENCED", stream.ErrLost},
	91:  {"RESOURCE_NOT_FOUND", stream.ErrNotFound},
	92:  {"DUPLICATE_RESOURCE", nil},
	93:  {"UNACCEPTABLE_CREDENTIAL", stream.ErrUnauthorized},
	94:  {"INCONSISTENT_VOTER_SET", nil},
	95:  {"INVALID_UPDATE_VERSION", stream.ErrInvalid},
	96:  {"FEATURE_UPDATE_FAILED", nil},
	97:  {"PRINCIPAL_DESERIALIZATION_FAILURE", stream.ErrUnauthorized},
	98:  {"SNAPSHOT_NOT_FOUND", nil},
	99:  {"POSITION_OUT_OF_RANGE", nil},
	100: {"UNKNOWN_TOPIC_ID", stream.ErrNotFound},
	101: {"DUPLICATE_BROKER_REGISTRATION", nil},
	102: {"BROKER_ID_NOT_REGISTERED", nil},
	103: {"INCONSISTENT_TOPIC_ID", stream.ErrNotFound},
	104: {"INCONSISTENT_CLUSTER_ID", nil},
	105: {"TRANSACTIONAL_ID_NOT_FOUND", stream.ErrNotFound},
	106: {"FETCH_SESSION_TOPIC_ID_ERROR", nil},
	107: {"INELIGIBLE_REPLICA", nil},
	108: {"NEW_LEADER_ELECTED", nil},
	109: {"OFFSET_MOVED_TO_TIERED_STORAGE", stream.ErrExpired},
	110: {"FENCED_MEMBER_EPOCH", stream.ErrLost},
	111: {"UNRELEASED_INSTANCE_ID", stream.ErrLost},
	112: {"UNSUPPORTED_ASSIGNOR", stream.ErrInvalid},
	113: {"STALE_MEMBER_EPOCH", stream.ErrLost},
	114: {"MISMATCHED_ENDPOINT_TYPE", nil},
	115: {"UNSUPPORTED_ENDPOINT_TYPE", nil},
	116: {"UNKNOWN_CONTROLLER_ID", nil},
	117: {"UNKNOWN_SUBSCRIPTION_ID", nil},
	118: {"TELEMETRY_TOO_LARGE", nil},
	119: {"INVALID_REGISTRATION", nil},
	120: {"TRANSACTION_ABORTABLE", nil},
	121: {"INVALID_RECORD_STATE", nil},
	122: {"SHARE_SESSION_NOT_FOUND", nil},
	123: {"INVALID_SHARE_SESSION_EPOCH", nil},
	124: {"FENCED_STATE_EPOCH", nil},
	125: {"INVALID_VOTER_KEY", nil},
	126: {"DUPLICATE_VOTER", nil},
	127: {"VOTER_NOT_FOUND", nil},
	128: {"INVALID_REGULAR_EXPRESSION", stream.ErrInvalid},
	129: {"REBOOTSTRAP_REQUIRED", nil},
	130: {"STREAMS_INVALID_TOPOLOGY", nil},
	131: {"STREAMS_INVALID_TOPOLOGY_EPOCH", nil},
	132: {"STREAMS_TOPOLOGY_FENCED", nil},
	133: {"SHARE_SESSION_LIMIT_REACHED", nil},
	134: {"GROUP_DELETION_FAILED", nil},
	135: {"STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED", nil},
	136: {"CONTROLLER_ID_NOT_REGISTERED", nil},
}

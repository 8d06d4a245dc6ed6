package shard

// A Shard is what a listing says of one (API operation ListShards).
type Shard struct {
	ID       string // "shardId-000000000000"; compared as text only
	Parent   string // ParentShardId; "": none, or trimmed so long ago that the service no longer tells
	Adjacent string // AdjacentParentShardId, the other parent of a merge
	Range    Range
	First    string // StartingSequenceNumber, decimal
	Closed   bool   // it has an EndingSequenceNumber: it takes no more records
}

// Parents are the shards that s replaces: none, one (a split) or two (a merge).
func (s Shard) Parents() []string {
	var ids []string
	for _, id := range [...]string{s.Parent, s.Adjacent} {
		if id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// A Child is what the end of a closed shard says of a shard that replaces it (ChildShard of GetRecords and
// SubscribeToShard).
type Child struct {
	ID      string
	Parents []string
	Range   Range
}

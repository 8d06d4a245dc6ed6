package awskinesis

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

const (
	// listings is how often a listing is begun again because a page's token, which lives 300 s, has expired.
	listings = 3
	// pages bounds a listing: the service gives 1,000 shards a page, emulators 100, and has streams of 20,000.
	pages = 2_000
)

// Shards implements api.Service.
func (s *Service) Shards(ctx context.Context, stream string, f api.Filter) (api.Listing, error) {
	for try := 1; ; try++ {
		listing, err := s.list(ctx, stream, f)
		if err == nil || try == listings || api.CodeOf(err) != api.OldToken {
			return listing, err
		}
	}
}

// list goes through the pages once.
func (s *Service) list(ctx context.Context, stream string, f api.Filter) (api.Listing, error) {
	in := &kinesis.ListShardsInput{ShardFilter: filter(f)}
	in.StreamName, in.StreamARN = address(stream)
	c := s.reading("ListShards")
	var listing api.Listing
	for range pages {
		out, err := send(ctx, c, s.client.ListShards, in)
		if err != nil {
			return api.Listing{}, err
		}
		if listing.Date.IsZero() {
			listing.Date, _ = awsmiddleware.GetServerTime(out.ResultMetadata)
		}
		for i := range out.Shards {
			found, err := listed(&out.Shards[i])
			if err != nil {
				return api.Listing{}, c.strange(err)
			}
			listing.Shards = append(listing.Shards, found)
		}
		if aws.ToString(out.NextToken) == "" || mutated("unpaginated listing") {
			return listing, nil
		}
		in = &kinesis.ListShardsInput{NextToken: out.NextToken} // the token says everything else
	}
	return api.Listing{}, c.strange(fmt.Errorf("more than %d pages", pages))
}

func filter(f api.Filter) *types.ShardFilter {
	if f.Type == "" {
		return nil
	}
	made := &types.ShardFilter{Type: types.ShardFilterType(f.Type)}
	if f.Shard != "" {
		made.ShardId = &f.Shard
	}
	if !f.Time.IsZero() {
		made.Timestamp = &f.Time
	}
	return made
}

func listed(s *types.Shard) (shard.Shard, error) {
	r, ok := hashes(s.HashKeyRange)
	if !ok || aws.ToString(s.ShardId) == "" {
		return shard.Shard{}, errors.New("a shard without id or range")
	}
	found := shard.Shard{
		ID: *s.ShardId, Parent: aws.ToString(s.ParentShardId), Adjacent: aws.ToString(s.AdjacentParentShardId), Range: r,
	}
	if n := s.SequenceNumberRange; n != nil {
		found.First, found.Closed = aws.ToString(n.StartingSequenceNumber), aws.ToString(n.EndingSequenceNumber) != ""
	}
	return found, nil
}

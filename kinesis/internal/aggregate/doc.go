// Package aggregate reads and writes the aggregates of Amazon's Kinesis Producer Library (KPL): several records in the
// data of one Kinesis record, "F3 89 9A C2", a protobuf message, its MD5. It imports nothing of the SDK.
//
//	message  AggregatedRecord  1: keys, repeated   2: explicit hash keys, repeated   3: records, repeated
//	message  Record            1: index of the key   2: index of the hash key   3: data   4: tags, repeated
//	message  Tag               1: name   2: value
//
// An Encoder and a Decoder do just that. A Sealer and an Opener use tags to carry what a Kinesis record has no place
// for, so that any reader that de-aggregates still gets the data. A record that needs no tags is sealed as what it is.
//
// # What the tags say
//
// A header whose name does not begin with "sp-", and whose value is UTF-8 or nil, is a tag with that name and value,
// and a tag of somebody else's is such a header. For everything else, the first tag is "sp-v" with the value "1", and
// among the tags after it are, at most once each and before the headers:
//
//	sp-key    n            the record has no key
//	          t…           the record's key: what follows
//	          b…           the record's key: what follows, in base64 (RFC 4648, standard alphabet, unpadded)
//	sp-time   …            the record's time, in milliseconds since 1970, decimal
//	sp-nil    v            the record has no value: it is a tombstone. The data is empty
//	sp-zip    gzip n       the data is compressed, and has n bytes without; also "zstd n"
//
// and, in their places among the headers:
//
//	sp-h:…    t…           a header. Its name is percent-encoded: "%" and each byte that is no part of UTF-8. Its value is
//	          b…           what follows, or that in base64; it is nil if the tag has no value
//
// The partition key of a record with sp-key is, for "n", random, so that such records spread, and else "sp-" with a
// hash of the key, so that equal keys stay together.
//
// If the first tag is "sp-v", everything that is not as above makes the record corrupt, and so does another version.
package aggregate

package main

// kinesisRecords is how many stored records a side reads in one repetition.
const kinesisRecords = 640_000

func kinesisStudies(Options) ([]study, func() error) {
	studies := []study{
		{name: "put", run: putStudy},
		{name: "get", run: getStudy},
		{name: "shards", run: shardStudy},
		{name: "hotkey", run: hotKeyStudy},
		{name: "leases", run: leaseStudy},
	}
	return studies, func() error { return nil }
}

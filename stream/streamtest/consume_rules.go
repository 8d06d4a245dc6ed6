package streamtest

import "slices"

// consumerRules are those of Consumer.Run and of all that it calls.
func consumerRules() []rule {
	return slices.Concat(
		runRules(), partitionRules(), eachRules(), byKeyRules(), checkpointerRules(), sourceRules(), claimRules(),
	)
}

func runRules() []rule {
	return []rule{
		{"RunServes", "Run joins the group and calls the handler, once for each hold and in a goroutine of its " +
			"own, for every partition that it is granted. It returns nil when ctx ends, or when every " +
			"partition has reached ConsumerConfig.End.", []string{"Groups"}, runServes},
		{"RunGrace", "when ctx is done, loops end before their next element, and handlers get Grace on a " +
			"context that goes on; then the member leaves. Run returns within Grace and a second, " +
			"whatever handlers do.", nil, runGrace},
		{"RunCause", "a handler's context is cancelled only when going on is pointless, with a cause: ErrLost, " +
			"or ErrGrace.", nil, runCause},
		{"RunReturn", "a handler that returns an error, or returns nil while its partition goes on (judged by " +
			"what its last loop reported), stops the whole run, and Run returns that error or nil.", nil, runReturn},
		{"RunUnfinished", "a return at the end of the partition with delivered records not checkpointed is an " +
			"error, unless nothing keeps checkpoints.", nil, runUnfinished},
		{"RunLost", "a handler whose partition was lost is not at fault, and an error that Is ErrLost counts " +
			"as lost. Where the backend does not agree, the partition is granted again after 100 ms, " +
			"doubling to 30 s, with an event.", nil, runLost},
		{"RunAfter", "after the handler has returned, Done and Checkpoint are refused, those under way are " +
			"waited for (within Grace), the prefix of Done is saved, the return is judged, and the " +
			"partition is released.", nil, runAfter},
		{"RunSwallowed", "a backend's error that the handler swallowed comes back from Run.", nil, runSwallowed},
		{"RunPanic", "a panic or Goexit of the handler stops Run and becomes an error with its stack; nothing " +
			"is checkpointed.", nil, runPanic},
		{"RunStuck", "a handler still running Grace after its partition was lost ends Run with an error that " +
			"names the partition. It is the one goroutine that nobody waits for.", nil, runStuck},
		{"RunReleases", "Run releases every partition before it leaves the group.", nil, runReleases},
		{"RunOnce", "a Run while another is under way is ErrInvalid.", nil, runOnce},
	}
}

func partitionRules() []rule {
	return []rule{
		{"LoopOrder", "records come in partition order, none skipped, none twice, the first right after the " +
			"checkpoint.", []string{"PartitionOrder"}, loopOrder},
		{"LoopEnds", "a loop ends without an error when the partition is asked back, has ended, the run stops, " +
			"or the context that was passed ends; what was fetched and not yielded is not consumed. A " +
			"lost partition yields ErrLost, a backend's failure its error, as the last element.", nil, loopEnds},
		{"LoopOne", "one loop at a time; a later one goes on after the last record (Batches: the last slice) " +
			"yielded.", nil, loopOne},
		{"RecordsStay",
			"Records yields records that stay valid. Keeping one may keep its block of records alive.", nil, recordsStay},
		{"BatchesReuse", "Batches reuses its slice at the next iteration: copy a Record to keep it. Its bytes are " +
			"never reused.", nil, batchesReuse},
		{"BatchesWait", "Batches yields at most max records (0: as they come). A wait > 0 counts from the " +
			"iteration's start: then it yields what has come, an empty slice if nothing has; with max " +
			"0 it bounds only the silence.", nil, batchesWait},
		{"CheckpointAll", "Checkpoint says that rec and all before it are done. It refuses (ErrInvalid) a record " +
			"that this hold did not deliver. One below the saved checkpoint is nil and writes " +
			"nothing; CheckpointState there is ErrInvalid.", nil, checkpointAll},
		{"CheckpointKeeps", "Checkpoint keeps the state that was saved before.", nil, checkpointKeeps},
		{"CheckpointLost", "whoever no longer holds the partition gets ErrLost, and the stored checkpoint does not " +
			"change.", []string{"Fencing"}, checkpointLost},
		{"CheckpointNowhere",
			"with group \"\" and no Checkpointer, Checkpoint is ErrUnsupported, and Done saves nothing.", nil, checkpointNowhere},
		{"DoneAnyOrder", "Done takes records in any order from any goroutine; the contiguous prefix is saved every " +
			"ConsumerConfig.CheckpointEvery and when the handler has returned.", nil, doneAnyOrder},
		{"DoneOnly", "Done and Checkpoint do not mix in one hold. A Done that cannot be (mixed, or of a record " +
			"that this hold did not deliver) is the loop's next element, and comes back from Run.", nil, doneOnly},
		{"StateHanded", "State is what was saved with the checkpoint: none or one, or, until the partition's own " +
			"first checkpoint, each parent's. After a split every child gets the parent's whole " +
			"state: keep of it only what Owns.", []string{"MaxStateBytes"}, stateHanded},
		{"CancelFirst", "the handler's context is cancelled before any method returns ErrLost.", nil, cancelFirst},
	}
}

func eachRules() []rule {
	return []rule{
		{"EachOrder", "records are handled one at a time, in partition order; with Park, in order within each " +
			"key.", []string{"KeyOrder", "PartitionOrder"}, eachOrder},
		{"PolicyBounded", "a record that fails is tried a bounded number of times, waits end when the hold ends, " +
			"and what happens then is told by an event: never a silent skip, never for ever.", nil, policyBounded},
		{"DeadLetterFirst", "the dead letter is stored before the checkpoint passes the record.", nil, deadLetterFirst},
	}
}

func byKeyRules() []rule {
	return []rule{
		{"ByKeyOrder",
			"records of equal keys are handled one after the other, in partition order.", []string{"KeyOrder"}, byKeyOrder},
		{"ByKeyBounded", "at most 10,000 records, or 64 MiB, are read beyond the first that is not done.", nil, byKeyBounded},
		{"ByKeyNoState", "a partition with a state is refused with ErrInvalid, since a state would be ahead of the " +
			"prefix.", nil, byKeyNoState},
	}
}

func checkpointerRules() []rule {
	return []rule{
		{"AcquireBumps", "Acquire adds one to the epoch and returns what is saved, in one write: from then on the " +
			"epoch of every earlier holder is refused. A key that is not stored is stored with epoch " +
			"1.", nil, acquireBumps},
		{"LoadReads", "Load changes nothing; a key that is not stored is the zero Checkpoint.", nil, loadReads},
		{"SaveFenced", "Save stores position and state in one write, only if c.Epoch is exactly the stored " +
			"epoch, else it is ErrLost and nothing changes.", nil, saveFenced},
		{"SaveForward", "Save never moves a position back: that is ErrInvalid, and nothing changes.", nil, saveForward},
	}
}

func sourceRules() []rule {
	return []rule{
		{"NextGrants", "Next blocks until a partition is granted or ctx ends; a context that has ended is granted nothing. " +
			"A partition is granted to a member " +
			"again only after that member has released its former claim, and to another member only " +
			"when this one has released it or has lost it.", []string{"Groups"}, nextGrants},
		{"NextChildren", "a partition that replaces others is granted after all of them are finished, and is read " +
			"from its beginning; a parent that is trimmed, or that is not among " +
			"SourceConfig.Partitions, counts as finished.", []string{"Resharding"}, nextChildren},
		{"NextEnd",
			"Next returns io.EOF when every selected partition has reached SourceConfig.End.", []string{"SeekTime"}, nextEnd},
		{"StartOnce", "SourceConfig.Start is applied once per group, to the partitions that exist when the " +
			"group first reads the stream, and is saved before their first Fetch; partitions that " +
			"appear later are read from their beginning.", []string{"SeekTime"}, startOnce},
		{"LiveName", "a member's name that is alive in the group already is refused with ErrInvalid.", nil, liveName},
		{"SourceClose", "Close leaves the group so that others need not wait for a time-out; Next returns " +
			"ErrClosed.", nil, sourceClose},
	}
}

func claimRules() []rule {
	return []rule{
		{"SeekOnce", "Seek is called at most once, before Fetch: the position comes from a Checkpointer and " +
			"replaces Hold.Saved.", nil, seekOnce},
		{"FetchOrder", "Fetch returns (n > 0, nil) or (0, error): records in partition order, none skipped, none " +
			"twice, the first right after the checkpoint. It sets every field of into[:n] but keeps " +
			"no reference to into. It blocks until there is a record, and the end of its context " +
			"consumes nothing and is its error.", []string{"PartitionOrder"}, fetchOrder},
		{"FetchEnd", "io.EOF means that the partition, or the reading, is at its end, or that it was asked " +
			"back: then Asked is closed first.", nil, fetchEnd},
		{"FetchLost", "ErrLost means that the partition was taken. After Release, Fetch and Checkpoint return " +
			"ErrLost, those that are under way too.", nil, fetchLost},
		{"FetchExpired", "a position that retention has passed is ErrExpired (an *Error with Asked and Oldest), " +
			"never a silent jump, unless SourceConfig.Expired says otherwise.", []string{"Retention"}, fetchExpired},
		{"CheckpointFenced", "Checkpoint is refused with ErrLost for whoever no longer holds the partition, and the " +
			"stored checkpoint is then unchanged: the test is part of the write.", []string{"Fencing"}, checkpointFenced},
		{"CheckpointWhole", "position and state are stored in one write. A state over Capabilities.MaxStateBytes is " +
			"ErrTooLarge.", []string{"MaxStateBytes"}, checkpointWhole},
		{"ReleaseFree", "Release gives the partition back at once. With finished, all to the end is checkpointed, " +
			"wherever checkpoints live: the partitions that replace it may be granted. An end that is " +
			"SourceConfig.End ends this reading only. After a loss Release does nothing.", nil, releaseFree},
	}
}

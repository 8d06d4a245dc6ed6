package stream

import "context"

// Each is a Handler that runs f on one record at a time, in order, and checkpoints for you (see Partition.Done). At most
// one Policy says what happens to a record whose f fails; the default is Policy's zero value.
//
// Rules:
//   - EachOrder: records are handled one at a time, in partition order; with Park, in order within each key.
//   - PolicyBounded: a record that fails is tried a bounded number of times, waits end when the hold ends, and what
//     happens then is told by an event: never a silent skip, never for ever.
//   - DeadLetterFirst: the dead letter is stored before the checkpoint passes the record.
func Each(f func(ctx context.Context, rec *Record) error, policy ...Policy) Handler {
	y, err := onePolicy(policy)
	if err == nil && y.Park {
		return byKey(1, f, y)
	}
	return func(ctx context.Context, p *Partition) error {
		if err != nil {
			return err
		}
		for rec, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			if mutated("checkpoint comes before the work") {
				p.Done(rec)
			}
			v, err := y.handle(ctx, p, rec, f)
			if err != nil {
				return err
			}
			if v == settled {
				p.Done(rec)
			} // else the hold ends, and the loop says why
		}
		return nil
	}
}

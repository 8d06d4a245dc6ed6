package stream

import "fmt"

// A delivery says which hold yielded a record, and as its how-manieth: the hold's number in the upper 24 bits, the
// record's, from 1, in the lower 40. It tells a record of this hold from one of an earlier hold on the same partition,
// and lets the prefix be counted in records although positions have holes.
const (
	deliveryBits = 40
	deliveryMask = 1<<deliveryBits - 1
)

// deliver numbers the records that the handler is about to get.
func (p *Partition) deliver(recs []Record) {
	n := p.delivered
	for i := range recs {
		n++
		recs[i].delivery = n
	}
	p.delivered = n
}

// place finds the number under which this hold delivered rec, or says why it did not.
func (p *Partition) place(rec *Record) (uint64, error) {
	switch {
	case rec == nil:
		return 0, fmt.Errorf("%w: the record is nil", ErrInvalid)
	case rec.Stream != p.Stream || rec.Partition != p.Name:
		return 0, fmt.Errorf("%w: the record is of another partition", ErrInvalid)
	case rec.delivery>>deliveryBits != p.number || rec.delivery&deliveryMask == 0:
		return 0, fmt.Errorf("%w: the record was not delivered in this hold", ErrInvalid)
	}
	return rec.delivery & deliveryMask, nil
}

package main

// A receiver counts what one consumer goroutine of a peer receives, and tells when all has come.
type receiver struct {
	orders chan int    // how many records the next move brings
	sums   chan uint64 // the sum of their digests
}

func newReceiver() *receiver {
	return &receiver{orders: make(chan int, 1), sums: make(chan uint64, 1)}
}

// serve receives values by next until orders is closed or next fails. Its caller runs it in a goroutine and waits for it.
func (r *receiver) serve(next func() ([]byte, error)) error {
	for n := range r.orders {
		var sum uint64
		for range n {
			value, err := next()
			if err != nil {
				close(r.sums)
				return err
			}
			sum += digest(value)
		}
		r.sums <- sum
	}
	return nil
}

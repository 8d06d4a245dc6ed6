package stream

// ring is a queue that reuses its space. Its length is a power of two.
type ring[T any] struct {
	items []T
	head  int // of the first
	count int
}

func (r *ring[T]) len() int { return r.count }

func (r *ring[T]) first() T { return r.items[r.head] }

func (r *ring[T]) push(item T) {
	if r.count == len(r.items) {
		r.grow()
	}
	r.items[(r.head+r.count)&(len(r.items)-1)] = item
	r.count++
}

func (r *ring[T]) pop() T {
	var zero T
	item := r.items[r.head]
	r.items[r.head] = zero // the queue keeps nothing alive
	r.head = (r.head + 1) & (len(r.items) - 1)
	r.count--
	return item
}

func (r *ring[T]) grow() {
	items := make([]T, max(4, 2*len(r.items)))
	n := copy(items, r.items[r.head:])
	copy(items[n:], r.items[:r.head])
	r.items, r.head = items, 0
}

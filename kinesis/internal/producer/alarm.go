package producer

// An alarm is when something goes on.
type alarm struct {
	wake  int64
	index int // among those that wait
}

func (a *alarm) get() *alarm { return a }

// alarms is a heap (package container/heap) of what waits, the first to go on at its top.
type alarms[T interface{ get() *alarm }] []T

// Len is part of heap.Interface.
func (h alarms[T]) Len() int { return len(h) }

// Less is part of heap.Interface.
func (h alarms[T]) Less(i, j int) bool { return h[i].get().wake < h[j].get().wake }

// Swap is part of heap.Interface.
func (h alarms[T]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].get().index, h[j].get().index = i, j
}

// Push is part of heap.Interface.
func (h *alarms[T]) Push(x any) {
	t, _ := x.(T)
	t.get().index = len(*h)
	*h = append(*h, t)
}

// Pop is part of heap.Interface.
func (h *alarms[T]) Pop() any {
	var none T
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = none
	*h = (*h)[:last]
	return t
}

package stream

// An ending is why a loop ends, or why every loop of a hold is to end. They are bits; what is lower outranks what is
// higher. Zero is a loop that was left although its partition goes on.
type ending uint32

const (
	endLost     ending = 1 << iota // the partition is no longer held
	endFault                       // the backend failed, a save in the background failed, or a Done was misused
	endAsked                       // the partition should be given back
	endStopping                    // the run ends
	endComplete                    // there is nothing more to come
)

// ended reports whether loops are to end. It looks at the sources themselves, since what watches them may come late.
func (p *Partition) ended() (ending, bool) {
	if bits := ending(p.ends.Load()); bits != 0 {
		return bits & -bits, true
	}
	if isDone(p.hold.Lost) {
		p.lose(ErrLost)
		return endLost, true
	}
	if isDone(p.hold.Asked) {
		return endAsked, true
	}
	if isDone(p.running) {
		return endStopping, true
	}
	return 0, false
}

// report keeps what a loop ended with: the handler's return is judged by it.
func (p *Partition) report(e ending) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reported = e
}

func (p *Partition) lastEnd() ending {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reported
}

// isDone asks one channel alone: that takes no lock, where a select of several does.
func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

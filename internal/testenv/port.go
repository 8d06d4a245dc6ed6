package testenv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports come from below the range from which systems give out ports to outgoing connections, so that a node that was
// killed finds its port free when it comes back.
const (
	lowestPort  = 15_000
	highestPort = 32_000
	portTries   = 1_000
)

// freePorts returns n different loopback ports that nothing listens on.
func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	held := make([]net.Listener, 0, n)
	var last error
	for range portTries {
		if len(ports) == n {
			break
		}
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		listener, err := net.Listen("tcp", loopback(port))
		if err != nil {
			last = err
			continue
		}
		ports, held = append(ports, port), append(held, listener)
	}
	var errs []error
	for _, listener := range held {
		errs = append(errs, listener.Close())
	}
	if len(ports) < n {
		errs = append(errs, fmt.Errorf("%d of %d free ports found: %w", len(ports), n, last))
	}
	return ports, errors.Join(errs...)
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

package kafka

import (
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
)

// defaultPort is where brokers listen if an address does not say.
const defaultPort = "9092"

// resolveBrokers returns every address as host:port, in lower case.
func resolveBrokers(bad *mistakes, addresses []string) []string {
	if len(addresses) == 0 {
		bad.add("Brokers", "is empty: at least one host:port is needed")
	}
	var all []string
	for i, text := range addresses {
		address, err := parseBroker(text)
		switch {
		case err != nil:
			bad.add("Brokers["+strconv.Itoa(i)+"]", "%w", err)
		case slices.Contains(all, address):
			bad.add("Brokers["+strconv.Itoa(i)+"]", "%q is listed twice", address)
		default:
			all = append(all, address)
		}
	}
	return all
}

// parseBroker does not repeat text before an @, which may be a password.
func parseBroker(text string) (string, error) {
	switch {
	case text == "":
		return "", errors.New("is empty: host:port is expected")
	case strings.Contains(text, "@"):
		return "", errors.New("has an @: user and password stand in SASL")
	case strings.Contains(text, "://"):
		return "", errors.New("begins with a scheme: host:port is expected; encryption is set by TLS")
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`,/\?#"'`, r) }):
		return "", errors.New("has a character that no address has: host:port is expected")
	}
	host, port, err := net.SplitHostPort(text)
	var malformed *net.AddrError
	if errors.As(err, &malformed) && malformed.Err == "missing port in address" {
		host, port = strings.Trim(text, "[]"), defaultPort
	} else if err != nil {
		return "", errors.New("is not host:port; an IPv6 address stands in brackets, as in [::1]:9092")
	}
	if host == "" {
		return "", errors.New("has no host")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", errors.New("has a port that is no number from 1 to 65535")
	}
	return net.JoinHostPort(strings.ToLower(host), port), nil
}

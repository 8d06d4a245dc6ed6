package testenv

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// DefaultVersion is the newest Apache Kafka that the tests run against. VersionTV1 is the last that speaks the first
// version of the transaction protocol only.
const (
	DefaultVersion = "4.4.0"
	VersionTV1     = "3.9.2"
)

// Config says what cluster Start brings up. The zero value is one node of DefaultVersion with a plaintext listener.
type Config struct {
	// Version of Apache Kafka, such as "3.9.2"; default DefaultVersion.
	Version string
	// Nodes is 1 or 3; default 1. With three, topics have three replicas of which two must be in sync.
	Nodes int
	// Proxy puts a tcpfault proxy before the plaintext listener of every node: the address that the broker advertises
	// is the proxy's. Traffic between the nodes, and the listeners of Secure, do not go through it.
	Proxy bool
	// Secure adds listeners with SASL_PLAINTEXT, SASL_SSL and SSL with client certificates, and the users of User.
	// The plaintext listener stays.
	Secure bool
	// ACLs refuses what no rule allows. The plaintext listener's user and Admin may do everything, so that a test can
	// write rules.
	ACLs bool
	// Properties are added to every node's server.properties; they win over what Start writes.
	Properties map[string]string
	// Features are finalised at these levels when the storage is formatted, such as {"transaction.version": 1}.
	Features map[string]int16
	// Heap is the largest heap of a node, in the form of java's -Xmx; default "256m".
	Heap string
	// Log gets what the nodes write, beside the file from which errors quote.
	Log io.Writer
	// Fast lets the JVM use its optimising compiler: slower to start, as fast as a production broker after that.
	Fast bool
}

var (
	versionForm = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)
	heapForm    = regexp.MustCompile(`^[0-9]+[kmgKMG]?$`)
)

// filled returns c with its defaults, or every mistake in it.
func (c Config) filled() (Config, error) {
	if c.Version == "" {
		c.Version = DefaultVersion
	}
	if c.Nodes == 0 {
		c.Nodes = 1
	}
	if c.Heap == "" {
		c.Heap = "256m"
	}
	var mistakes []error
	if !versionForm.MatchString(c.Version) {
		mistakes = append(mistakes, fmt.Errorf("version %q is not of the form 4.4.0", c.Version))
	}
	if c.Nodes != 1 && c.Nodes != 3 {
		mistakes = append(mistakes, fmt.Errorf("%d nodes: a cluster has 1 or 3", c.Nodes))
	}
	if !heapForm.MatchString(c.Heap) {
		mistakes = append(mistakes, fmt.Errorf("heap %q is not of the form 256m", c.Heap))
	}
	for name, value := range c.Properties {
		if strings.ContainsAny(name, "=\r\n") || strings.ContainsAny(value, "\r\n") {
			mistakes = append(mistakes, fmt.Errorf("property %q does not fit on a line", name))
		}
	}
	return c, errors.Join(mistakes...)
}

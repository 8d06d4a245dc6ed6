package testenv

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// base is what every node has: small, quick to notice a dead node, and nothing made that a test did not ask for.
var base = map[string]string{
	"process.roles":                                "broker,controller",
	"controller.listener.names":                    "CONTROLLER",
	"auto.create.topics.enable":                    "false",
	"offsets.topic.num.partitions":                 "4",
	"transaction.state.log.num.partitions":         "4",
	"share.coordinator.state.topic.num.partitions": "4",
	"group.initial.rebalance.delay.ms":             "0",
	"group.min.session.timeout.ms":                 "1000",
	"group.consumer.min.session.timeout.ms":        "1000",
	"group.consumer.min.heartbeat.interval.ms":     "100",
	"broker.session.timeout.ms":                    "3000",
	"broker.heartbeat.interval.ms":                 "500",
	"controller.quorum.election.timeout.ms":        "500",
	"controller.quorum.fetch.timeout.ms":           "1000",
	"controller.quorum.election.backoff.max.ms":    "300",
	"replica.lag.time.max.ms":                      "4000",
	"num.network.threads":                          "2",
	"num.io.threads":                               "4",
	"background.threads":                           "2",
	"log.cleaner.dedupe.buffer.size":               "8388608", // the default does not fit a small heap
	"log.index.size.max.bytes":                     "1048576",
	"log.segment.bytes":                            "67108864",
}

// properties are the lines of a node's server.properties.
func (c *Cluster) properties(n *node) string {
	all := maps.Clone(base)
	replicas, inSync := "1", "1"
	if len(c.nodes) > 1 {
		replicas, inSync = "3", "2"
	}
	maps.Copy(all, map[string]string{
		"node.id":                                          strconv.Itoa(n.id),
		"broker.rack":                                      "rack" + strconv.Itoa(n.id),
		"log.dirs":                                         n.data(),
		"controller.quorum.voters":                         c.voters(),
		"default.replication.factor":                       replicas,
		"min.insync.replicas":                              inSync,
		"offsets.topic.replication.factor":                 replicas,
		"transaction.state.log.replication.factor":         replicas,
		"transaction.state.log.min.isr":                    inSync,
		"share.coordinator.state.topic.replication.factor": replicas,
		"share.coordinator.state.topic.min.isr":            inSync,
	})
	c.addListeners(all, n)
	if c.config.ACLs {
		maps.Copy(all, map[string]string{
			"authorizer.class.name":          "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
			"super.users":                    "User:ANONYMOUS;User:" + Admin,
			"allow.everyone.if.no.acl.found": "false",
		})
	}
	maps.Copy(all, c.config.Properties)
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&lines, "%s=%s\n", name, all[name])
	}
	return lines.String()
}

func (c *Cluster) voters() string {
	voters := make([]string, 0, len(c.nodes))
	for _, n := range c.nodes {
		voters = append(voters, fmt.Sprintf("%d@%s", n.id, n.addr(controller)))
	}
	return strings.Join(voters, ",")
}

// addListeners adds the plaintext listener, that of the controller and, where they are asked for, the direct one
// between the nodes and the secured ones.
func (c *Cluster) addListeners(all map[string]string, n *node) {
	kinds := []kind{plaintext, controller}
	between := plaintext
	if c.config.Proxy {
		kinds, between = append(kinds, internal), internal
	}
	if c.config.Secure {
		kinds = append(kinds, saslPlain, saslTLS, mutualTLS)
		c.addSecurity(all)
	}
	var listeners, advertised, protocols []string
	for _, k := range kinds {
		listeners = append(listeners, k.name()+"://"+n.addr(k))
		protocols = append(protocols, k.name()+":"+k.protocol())
		if k != controller {
			advertised = append(advertised, k.name()+"://"+n.advertised(k))
		}
	}
	all["listeners"] = strings.Join(listeners, ",")
	all["advertised.listeners"] = strings.Join(advertised, ",")
	all["listener.security.protocol.map"] = strings.Join(protocols, ",")
	all["inter.broker.listener.name"] = between.name()
}

// addSecurity adds the mechanisms, users and certificates of the secured listeners.
func (c *Cluster) addSecurity(all map[string]string) {
	maps.Copy(all, map[string]string{
		"ssl.keystore.type":                   "PEM",
		"ssl.keystore.location":               filepath.Join(c.folder, serverFile),
		"ssl.truststore.type":                 "PEM",
		"ssl.truststore.location":             filepath.Join(c.folder, caFile),
		"listener.name.mtls.ssl.client.auth":  "required",
		"listener.name.sasls.ssl.client.auth": "none",
	})
	const security = "org.apache.kafka.common.security."
	plain := security + "plain.PlainLoginModule required"
	for _, u := range users {
		plain += fmt.Sprintf(" user_%s=%q", u.name, u.password)
	}
	for _, listener := range []kind{saslPlain, saslTLS} {
		prefix := "listener.name." + strings.ToLower(listener.name()) + "."
		maps.Copy(all, map[string]string{
			prefix + "sasl.enabled.mechanisms":        "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
			prefix + "plain.sasl.jaas.config":         plain + ";",
			prefix + "scram-sha-256.sasl.jaas.config": security + "scram.ScramLoginModule required;",
			prefix + "scram-sha-512.sasl.jaas.config": security + "scram.ScramLoginModule required;",
			prefix + "oauthbearer.sasl.jaas.config":   security + `oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
		})
	}
}

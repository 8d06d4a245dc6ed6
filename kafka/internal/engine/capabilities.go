package engine

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/streamport-go/streamport/stream"
)

// Capabilities tells what a topic can do in the mode in which the settings use it. What was not found out is Unknown with
// its reason, never the brokers' default: a right that is missing, or a hosted service that hides its configuration, must
// not turn into a promise.
func Capabilities(c Cluster, t Topic, s Settings, a Abilities) stream.Capabilities {
	f := facts{cluster: c, topic: t, settings: s, abilities: a}
	known := stream.Capabilities{Partitions: len(t.Partitions)}
	f.contents(&known)
	f.guarantees(&known)
	f.operations(&known)
	f.limits(&known)
	known.Retention = f.retention()
	return known
}

// facts are what is known, with the questions that flags ask of it.
type facts struct {
	cluster   Cluster
	topic     Topic
	settings  Settings
	abilities Abilities
}

// config returns a value of the topic's configuration, or why it is not known.
func (f facts) config(name string) (value, unknown string) {
	return configured(f.topic.Configs, f.topic.ConfigsErr, name)
}

// broker is config for the brokers' configuration.
func (f facts) broker(name string) (value, unknown string) {
	return configured(f.cluster.Configs, f.cluster.ConfigsErr, name)
}

func configured(values map[string]string, err error, name string) (value, unknown string) {
	if value, ok := values[name]; ok {
		return value, ""
	}
	if err != nil {
		return "", fmt.Sprintf("%s is not known: %v", name, err)
	}
	return "", fmt.Sprintf("%s is not known: the brokers do not tell it", name)
}

// number is a value that must be a number.
func number(value, unknown, name string) (int64, string) {
	if unknown != "" {
		return 0, unknown
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, fmt.Sprintf("%s is not known: the brokers tell %.40q, which is no number", name, value)
	}
	return n, ""
}

func (f facts) topicNumber(name string) (int64, string) {
	value, unknown := f.config(name)
	return number(value, unknown, name)
}

func (f facts) brokerNumber(name string) (int64, string) {
	value, unknown := f.broker(name)
	return number(value, unknown, name)
}

// policy reports what the topic's cleanup.policy holds.
func (f facts) policy() (compacts, deletes bool, unknown string) {
	value, unknown := f.config("cleanup.policy")
	policies := list(value)
	return slices.Contains(policies, "compact"), slices.Contains(policies, "delete"), unknown
}

func declared(s stream.Support, reason string) stream.Flag {
	return stream.Flag{Support: s, Source: stream.Declared, Reason: reason}
}

func found(s stream.Support, reason string) stream.Flag {
	return stream.Flag{Support: s, Source: stream.Discovered, Reason: reason}
}

func notKnown(reason string) stream.Flag { return stream.Flag{Support: stream.Unknown, Reason: reason} }

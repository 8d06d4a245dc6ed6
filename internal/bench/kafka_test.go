package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
)

// Every side of the subcommand kafka, and every study that needs one broker, runs on a broker that is none.
func TestKafkaSmokeRunPrintsEveryMetric(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	defer fake.Close()
	var out strings.Builder
	args := []string{kafkaCommand, "-smoke", "-brokers", strings.Join(fake.ListenAddrs(), ",")}
	require.NoError(t, dispatch(t.Context(), args, &out, &strings.Builder{}))
	for _, name := range []string{
		"produce_rate_vs_franz", "produce_cpu_vs_franz", "consume_rate_vs_franz", "consume_cpu_vs_franz", "consume_extra_allocs",
		"produce_rate_vs_watermill", "produce_rate_vs_gocloud", "produce_rate_vs_kafkago",
		"consume_rate_vs_watermill", "consume_rate_vs_gocloud", "consume_rate_vs_kafkago",
		"eos_rate_vs_alo", "latency_p50", "latency_p50_over_franz", "latency_p99", "held_bytes", "held_growth",
		"gap_cooperative_1ms_join_moved", "gap_cooperative_1ms_leave_stayed",
	} {
		require.Contains(t, out.String(), "\nmetric kafka."+name+" ", name)
	}
	for _, name := range []string{
		"produce_cpu_vs_writer", "produce_rate_vs_writer", "consume_cpu_vs_reader", "consume_rate_vs_reader",
		"consume_batches_cpu_vs_reader",
	} {
		require.Contains(t, out.String(), "\nmetric kafkago."+name+" ", name)
	}
}

func TestBrokersOfKafkaAreChecked(t *testing.T) {
	o, err := parseOptions(kafkaCommand, []string{"-brokers", "a:1,b:2", "-full"}, &strings.Builder{})
	require.NoError(t, err)
	require.Equal(t, []string{"a:1", "b:2"}, o.Brokers)
	require.Equal(t, minRepetitions, o.Repetitions)
	require.True(t, o.Full)
	_, err = parseOptions(kafkaCommand, []string{"-brokers", "a:1,"}, &strings.Builder{})
	require.Error(t, err)
	_, err = parseOptions("memory", []string{"-brokers", "a:1"}, &strings.Builder{})
	require.Error(t, err)
}

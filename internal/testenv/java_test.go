//go:build servers

package testenv_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
)

// reader prints the first n values of a topic's partition 0, read by Kafka's own client.
const reader = `
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

public class Reader {
	public static void main(String[] args) {
		Map<String, Object> config = Map.of("bootstrap.servers", args[0],
			"key.deserializer", StringDeserializer.class, "value.deserializer", StringDeserializer.class);
		try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config)) {
			List<TopicPartition> all = List.of(new TopicPartition(args[1], 0));
			consumer.assign(all);
			consumer.seekToBeginning(all);
			for (int left = Integer.parseInt(args[2]); left > 0; )
				for (ConsumerRecord<String, String> r : consumer.poll(Duration.ofSeconds(1))) {
					System.out.println(r.value());
					left--;
				}
		}
	}
}
`

func TestRunJavaReadsByKafkasOwnClient(t *testing.T) {
	c := testenv.Run(t, testenv.Config{})
	topic(t, c, "oracle")
	produce(t, client(t, c.Bootstrap()), "oracle", numbers(0, 10)...)
	for range 2 { // the second time from the cache
		out, err := c.RunJava(within(t, patience), reader, c.Bootstrap()[0], "oracle", "10")
		require.NoError(t, err)
		require.Equal(t, numbers(0, 10), strings.Fields(string(out)))
	}
}

func TestRunJavaTellsWhatFailed(t *testing.T) {
	c := testenv.Run(t, testenv.Config{})
	_, err := c.RunJava(t.Context(), "class Broken { nonsense }")
	require.ErrorContains(t, err, "Broken.java:1")
	_, err = c.RunJava(t.Context(), "")
	require.Error(t, err)
	out, err := c.RunJava(t.Context(), `class Fails {
	public static void main(String[] args) { System.out.println("so far"); throw new RuntimeException("told"); }
}`)
	require.ErrorContains(t, err, "told")
	require.Equal(t, "so far\n", string(out))
	_, err = c.RunJava(within(t, 3*patience/60), `class Endless {
	public static void main(String[] args) throws Exception { Thread.sleep(1000000); }
}`)
	require.ErrorContains(t, err, "deadline")
}

func TestJarsAreFetchedIntoTheNamedCache(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("STREAMPORT_TESTENV_CACHE", cache)
	c := testenv.Run(t, testenv.Config{})
	require.FileExists(t, cache+"/"+c.Version()+"/.complete")
	left, err := os.ReadDir(cache)
	require.NoError(t, err)
	for _, one := range left {
		require.NotContains(t, one.Name(), ".tmp-")
	}
}

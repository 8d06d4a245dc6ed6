import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.kinesis.producer.KinesisProducer;
import software.amazon.kinesis.producer.KinesisProducerConfiguration;
import software.amazon.kinesis.producer.UserRecordResult;

// A program of the Kinesis Producer Library: it stores the records that it reads, one line each with key, explicit hash key
// and data in base64, separated by tabs, and prints shard and sequence number of each.
public final class KplProducer {
	public static void main(String[] args) throws Exception {
		var config = new KinesisProducerConfiguration()
			.setKinesisEndpoint("127.0.0.1").setKinesisPort(Long.parseLong(setting("port"))).setVerifyCertificate(false)
			.setStsEndpoint("127.0.0.1").setStsPort(Long.parseLong(setting("port")))
			.setCloudwatchEndpoint("127.0.0.1").setCloudwatchPort(Long.parseLong(setting("port"))).setMetricsLevel("none")
			.setRegion(setting("region")).setTempDirectory(setting("folder")).setLogLevel("warning")
			.setAggregationEnabled(Boolean.parseBoolean(setting("aggregation"))).setRecordMaxBufferedTime(200)
			.setCredentialsProvider(StaticCredentialsProvider.create(
				AwsBasicCredentials.create(setting("id"), setting("secret"))));
		var producer = new KinesisProducer(config);
		var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
		var futures = new ArrayList<Future<UserRecordResult>>();
		boolean warm = false;
		for (String line; (line = in.readLine()) != null; ) {
			String[] fields = line.split("\t", -1);
			String key = new String(Base64.getDecoder().decode(fields[0]), StandardCharsets.UTF_8);
			String hash = fields[1].isEmpty() ? null : fields[1];
			var data = ByteBuffer.wrap(Base64.getDecoder().decode(fields[2]));
			Future<UserRecordResult> future = producer.addUserRecord(setting("stream"), key, hash, data);
			futures.add(future);
			if (!warm) { // nothing is aggregated before the library knows the shards
				producer.flushSync();
				future.get(60, TimeUnit.SECONDS);
				warm = true;
			}
		}
		producer.flushSync();
		for (Future<UserRecordResult> future : futures) {
			UserRecordResult result = future.get(60, TimeUnit.SECONDS);
			System.out.println(result.getShardId() + "\t" + result.getSequenceNumber());
		}
		System.out.flush();
		producer.destroy();
		Runtime.getRuntime().halt(0);
	}

	private static String setting(String name) {
		return System.getProperty("producer." + name, "");
	}
}

import java.net.URI;
import java.util.Base64;
import java.util.concurrent.TimeUnit;

import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.coordinator.CoordinatorConfig;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.exceptions.InvalidStateException;
import software.amazon.kinesis.exceptions.ShutdownException;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.processor.SingleStreamTracker;
import software.amazon.kinesis.retrieval.KinesisClientRecord;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

// A worker of the Kinesis Client Library that prints what it lives through, one line each, its fields separated by tabs.
public final class KclWorker {
	private static final String stream = setting("stream");
	private static final String checkpoint = setting("checkpoint");
	private static final long slow = Long.parseLong(setting("slow"));

	public static void main(String[] args) throws Exception {
		var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create(setting("id"), setting("secret")));
		var region = Region.of(setting("region"));
		var kinesis = KinesisAsyncClient.builder().region(region).credentialsProvider(credentials)
			.endpointOverride(URI.create(setting("kinesis"))).build();
		var dynamo = DynamoDbAsyncClient.builder().region(region).credentialsProvider(credentials)
			.endpointOverride(URI.create(setting("dynamodb"))).build();
		var cloudWatch = CloudWatchAsyncClient.builder().region(region).credentialsProvider(credentials)
			.endpointOverride(URI.create(setting("dynamodb"))).build(); // never called: there are no metrics
		var start = InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.valueOf(setting("start")));
		var configs = new ConfigsBuilder(new SingleStreamTracker(stream, start), setting("table"), kinesis, dynamo, cloudWatch,
			setting("worker"), Processor::new);
		long failover = Long.parseLong(setting("failover"));
		var leases = configs.leaseManagementConfig().failoverTimeMillis(failover).shardSyncIntervalMillis(2000);
		var coordinator = configs.coordinatorConfig().parentShardPollIntervalMillis(1000)
			.shardConsumerDispatchPollIntervalMillis(200);
		if (!setting("mode").isEmpty()) {
			choose(coordinator, setting("mode"));
		}
		var polling = new PollingConfig(stream, kinesis).idleTimeBetweenReadsInMillis(250);
		var retrieval = configs.retrievalConfig().retrievalSpecificConfig(polling);
		var scheduler = new Scheduler(configs.checkpointConfig(), coordinator, leases, configs.lifecycleConfig(),
			configs.metricsConfig().metricsFactory(new NullMetricsFactory()),
			configs.processorConfig().callProcessRecordsEvenForEmptyRecordList(false), retrieval);
		var thread = new Thread(scheduler, "scheduler");
		Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(scheduler)));
		thread.start();
		print("running");
		thread.join();
		Runtime.getRuntime().halt(0);
	}

	// choose sets the mode of version 3, which version 2 does not have.
	@SuppressWarnings({"unchecked", "rawtypes"})
	private static void choose(CoordinatorConfig coordinator, String mode) throws Exception {
		Class type = Class.forName("software.amazon.kinesis.coordinator.CoordinatorConfig$ClientVersionConfig");
		CoordinatorConfig.class.getMethod("clientVersionConfig", type).invoke(coordinator, Enum.valueOf(type, mode));
	}

	private static void stop(Scheduler scheduler) {
		try {
			scheduler.startGracefulShutdown().get(20, TimeUnit.SECONDS);
		} catch (Exception e) {
			print("failed", "stop: " + e);
		}
		print("stopped");
	}

	private static String setting(String name) {
		return System.getProperty("worker." + name, "");
	}

	private static synchronized void print(String... fields) {
		System.out.println(String.join("\t", fields));
		System.out.flush();
	}

	private static String text(byte[] bytes) {
		return Base64.getEncoder().encodeToString(bytes);
	}

	private static final class Processor implements ShardRecordProcessor {
		private String shard;

		@Override
		public void initialize(InitializationInput input) {
			shard = input.shardId();
			var at = input.extendedSequenceNumber();
			print("granted", shard, at.sequenceNumber(), String.valueOf(at.subSequenceNumber()));
		}

		@Override
		public void processRecords(ProcessRecordsInput input) {
			for (KinesisClientRecord r : input.records()) {
				var data = new byte[r.data().remaining()];
				r.data().get(data);
				print("record", shard, r.sequenceNumber(), String.valueOf(r.subSequenceNumber()),
					text(r.partitionKey().getBytes(java.nio.charset.StandardCharsets.UTF_8)), text(data),
					String.valueOf(r.aggregated()), r.explicitHashKey() == null ? "" : r.explicitHashKey());
				rest();
				if (checkpoint.equals("record")) {
					save(() -> input.checkpointer().checkpoint(r.sequenceNumber(), r.subSequenceNumber()));
				}
			}
			if (checkpoint.equals("batch")) {
				save(() -> input.checkpointer().checkpoint());
			}
		}

		private void rest() {
			try {
				Thread.sleep(slow);
			} catch (InterruptedException e) {
				Thread.currentThread().interrupt();
			}
		}

		@Override
		public void leaseLost(LeaseLostInput input) {
			print("lost", shard);
		}

		@Override
		public void shardEnded(ShardEndedInput input) {
			print("ended", shard);
			save(() -> input.checkpointer().checkpoint());
		}

		@Override
		public void shutdownRequested(ShutdownRequestedInput input) {
			print("asked", shard);
			save(() -> input.checkpointer().checkpoint());
		}

		private interface Write {
			void run() throws InvalidStateException, ShutdownException;
		}

		private void save(Write write) {
			try {
				write.run();
				print("saved", shard);
			} catch (Exception e) {
				print("failed", shard + ": " + e.getClass().getSimpleName());
			}
		}
	}
}

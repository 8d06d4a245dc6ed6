# Steps that .ci/run and .ci/full share. Sourced by both, from the repository's root.

# step NAME COMMAND...: runs the command and says how long it took.
step() {
	local name=$1 begun=$SECONDS
	shift
	echo "== $name"
	"$@" || { echo "== $name: FAILED after $((SECONDS - begun)) s"; exit 1; }
	echo "== $name: $((SECONDS - begun)) s"
}

# beside FUNCTION FUNCTION: both at a time, each with its own servers, since tests on servers wait more than they work.
beside() {
	local one two code=0
	("$1" 2>&1 | sed -u "s/^/$1: /") &
	one=$!
	("$2" 2>&1 | sed -u "s/^/$2: /") &
	two=$!
	wait "$one" || code=1
	wait "$two" || code=1
	[ "$code" = 0 ] || exit "$code"
}

# The modules of the repository; those under internal/ keep what users need not have out of the main one.
module_folders() { git ls-files '*go.mod' | xargs -n1 dirname; }

each_module() {
	local folder
	for folder in $(module_folders); do (cd "$folder" && "$@"); done
}

formatted() {
	local files
	files=$(git ls-files '*.go' | xargs gofmt -l)
	[ -z "$files" ] || { echo "not formatted: $files"; return 1; }
}

modules() {
	each_module go mod tidy -diff
	each_module go mod verify
}

# Packages stream and memory import nothing but the standard library and each other.
standard_library_only() {
	local others
	others=$(go list -deps -f '{{if not .Standard}}{{.ImportPath}}{{end}}' ./stream ./memory | grep -v '/streamport/\(stream\|memory\)$' || true)
	[ -z "$others" ] || { echo "not of the standard library: $others"; return 1; }
}

api_is_short() {
	local lines
	lines=$(go doc -short ./stream | wc -l)
	echo "go doc -short ./stream: $lines lines"
	[ "$lines" -le 60 ]
}

mocks_are_fresh() {
	go generate ./stream/streammock
	git diff --exit-code -- stream/streammock
}

readme_is_current() { go run ./internal/captable/main -check README.md; }

# fuzz TIME: every fuzz target of every module for that long. What they have found is among their seeds, which go test runs.
fuzz() { each_module fuzz_module "$@"; }

fuzz_module() {
	local package target
	for package in $(go list ./...); do
		for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
			go test -run='^$' -fuzz="^$target\$" -fuzztime="$1" -fuzzminimizetime=10x "$package" | tail -n 2
		done
	done
}

# The Kafka adapter on franz-go's fake broker, in testing/synctest bubbles.
kafka_in_bubbles() {
	step "the Kafka adapter in bubbles" go test -tags synctests -run '^TestFake' ./kafka
	step "Kafka seeds" go -C internal/verify run -tags synctests ./cmd/verify -env kfake -seeds 300
	step "Kafka seeds under race" go -C internal/verify run -tags synctests -race ./cmd/verify -env kfake -seeds 100
	step "Kafka mutants" go -C internal/verify test -tags mutants,synctests -run TestKafkaMutants ./mutant
}

# exactly VERSION INPUTS KILLS: exactly-once on real brokers, with processes killed, and Java's own client as second oracle.
exactly() {
	go -C internal/verify run ./cmd/verify -env kafka -exactly -version "$1" -inputs "$2" -kills "$3" -java
}

# What real brokers decide, through either client library or both, on the newest version.
decided='^Test(ProduceOnServers|Racks|CapabilitiesAreThose.*|LeaderLoss|MixedFleet|OnRealBrokers|ExactlyTheDocumentedRights.*|ExpiredToken.*)$'
decided+='|^Test(Credentials|SessionsAreRenewed|NoSecretIsTold)OnRealBrokers$'

# The Kafka adapter on real brokers, which each step starts and stops. The full suite runs on one cell; on the others, the
# rules of order, fencing and transactions.
kafka_on_brokers() {
	step "the main job on Kafka" go test -tags servers -run OnKafka ./examples/quickstart
	step "Kafka, rule by rule" go test -tags servers -run '^TestBroker$' -timeout 10m ./kafka
	step "Kafka, what real brokers decide" go test -tags servers -run "$decided" -skip '^TestCredentialsOnRealBrokers$/3.9.2' -timeout 10m ./kafka
	step "exactly-once on Kafka 4.4.0" exactly 4.4.0 50000 10
	step "exactly-once on Kafka 3.9.2" exactly 3.9.2 20000 4
}

# The same at length: every cell whole, and the pairs of real and double.
kafka_at_length() {
	step "the brokers" go test -tags servers -timeout 20m ./internal/testenv
	step "exactly-once on Kafka 3.9.2" exactly 3.9.2 50000 10
	step "Kafka, every cell" go test -tags servers,full -timeout 40m ./kafka/... ./examples/...
	step "Kafka seeds" go -C internal/verify run -tags synctests ./cmd/verify -env kfake -seeds "${KAFKA_SEEDS:-20000}"
	local policy
	for policy in record batch state done each bykey transact deadletter; do
		step "histories on Kafka, $policy" go -C internal/verify run ./cmd/verify -env kafka -minutes 2 -policy "$policy"
	done
}

# The same through kafka-go, and through both client libraries in one group. Its conformance on the fake broker is a part
# of kafka_in_bubbles.
kafkago_in_bubbles() {
	step "seeds through kafka-go" go -C internal/verify run -tags synctests ./cmd/verify -env kfake -client kafka-go -seeds 100
	step "seeds through both" go -C internal/verify run -tags synctests ./cmd/verify -env kfake -client mixed -seeds 50
	step "mutants through kafka-go" go -C internal/verify test -tags mutants,synctests -run TestKafkaGoMutants ./mutant
	step "mutants of the engine on kafka-go" go test -tags mutants -parallel 8 -timeout 3m -run '^TestMutants$' ./kafka/kafkago
}

kafkago_on_brokers() {
	step "Kafka through kafka-go, rule by rule" go test -tags servers -run '^TestBrokerKafkaGo$' -timeout 10m ./kafka
	step "Kafka through kafka-go, what real brokers decide" go test -tags servers -run '^TestKafkaGo' -timeout 10m ./kafka
	step "the engine on kafka-go" go test -tags servers -run '^TestFetchOnServers|^TestMembersOnServers|^TestSinkOnRealBrokers' \
		-timeout 10m ./kafka/kafkago
	step "Kafka, transactions" go test -tags servers -run '^TestTxOnServers|^TestRealBrokersAnswer' -timeout 10m ./kafka/internal/franz
	step "histories on Kafka, through both" go -C internal/verify run ./cmd/verify -env kafka -client mixed -minutes 0.5
}

# The same at length. Every cell on real brokers is a part of kafka_at_length.
kafkago_at_length() {
	local client
	for client in kafka-go mixed; do
		step "seeds, $client" go -C internal/verify run -tags synctests ./cmd/verify -env kfake -client "$client" -seeds "${KAFKA_SEEDS:-20000}"
		step "histories, $client" go -C internal/verify run ./cmd/verify -env kafka -client "$client" -minutes 2
	done
}

# The Kinesis adapter on the fake services, in testing/synctest bubbles. Its conformance in every mode is part of go test.
kinesis_in_bubbles() {
	step "Kinesis seeds" go -C internal/verify run ./cmd/verify -env fakekinesis -seeds 1000
	step "Kinesis seeds under race" go -C internal/verify run -race ./cmd/verify -env fakekinesis -seeds 200
	step "Kinesis mutants" go -C internal/verify test -tags mutants -run TestKinesisMutants ./mutant
	step "mutants of leases and lineage" go test -tags mutants -run '^TestMutants$' ./kinesis/internal/lease ./kinesis/internal/lineage
}

# The Kinesis adapter on emulators, beside Amazon's own client and producer libraries. Each step starts and stops them.
kinesis_on_emulators() {
	step "the main job on Kinesis" go test -tags servers -run OnKinesis ./examples/quickstart
	step "leases on DynamoDB" go test -tags servers -run DynamoDBLocal ./kinesis/internal/lease/dynamo
	step "Kinesis beside KCL and KPL" go test -tags servers -run '^TestInterop' -timeout 10m ./kinesis
	step "histories on Kinesis" go -C internal/verify run ./cmd/verify -env kinesis -minutes 0.5
}

# The same at length.
kinesis_at_length() {
	step "Kinesis, every mode and every worker" go test -tags servers,full -timeout 90m ./kinesis/...
	local policy
	for policy in batch state record; do
		step "histories on Kinesis, $policy" go -C internal/verify run ./cmd/verify -env kinesis -minutes 2 -policy "$policy"
	done
	step "Kinesis seeds" go -C internal/verify run ./cmd/verify -env fakekinesis -seeds "${KINESIS_SEEDS:-20000}"
	step "the model of lineage" env LINEAGE_SEEDS="${LINEAGE_SEEDS:-20000}" go test -run TestModel -timeout 40m ./kinesis/internal/lineage
}

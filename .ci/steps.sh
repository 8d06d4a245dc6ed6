# Steps that .ci/run and .ci/full share. Sourced by both, from the repository's root.

# step NAME COMMAND...: runs the command and says how long it took.
step() {
	local name=$1 begun=$SECONDS
	shift
	echo "== $name"
	"$@" || { echo "== $name: FAILED after $((SECONDS - begun)) s"; exit 1; }
	echo "== $name: $((SECONDS - begun)) s"
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

# fuzz TIME: every fuzz target of every module for that long.
fuzz() { each_module fuzz_module "$1"; }

fuzz_module() {
	local package target
	for package in $(go list ./...); do
		for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
			go test -run='^$' -fuzz="^$target\$" -fuzztime="$1" -fuzzminimizetime=10x "$package" | tail -n 2
		done
	done
}

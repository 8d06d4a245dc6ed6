//go:build !(cgo && (linux || darwin) && (amd64 || arm64))

package main

// librdkafkaPeers is empty: this build cannot link librdkafka.
func librdkafkaPeers() []peer { return nil }

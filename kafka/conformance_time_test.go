//go:build !synctests

package kafka_test

// bubbles reports whether franz-go was built so that it works in a bubble.
const bubbles = false

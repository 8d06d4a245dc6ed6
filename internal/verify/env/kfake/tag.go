//go:build !synctests

package kfake

// Bubbles reports whether franz-go was built so that it works in a bubble.
const Bubbles = false

//go:build race

package lease_test

// normalSeeds is how many seeds random runs have: the race detector makes them slow.
const normalSeeds = 150

//go:build !race

package lease_test

// normalSeeds is how many seeds random runs have.
const normalSeeds = 600

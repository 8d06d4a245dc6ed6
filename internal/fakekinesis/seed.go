package fakekinesis

// mix makes a number of the words that has no visible relation to them (splitmix64).
func mix(words ...uint64) uint64 {
	var x uint64
	for _, w := range words {
		x += w + 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return x
}

// chance is true for a share p of all draws.
func chance(draw uint64, p float64) bool { return float64(draw>>11)/(1<<53) < p }

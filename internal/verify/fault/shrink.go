package fault

import "slices"

// Shrink takes steps away for as long as the script still fails, by delta debugging: first large parts, then single
// steps. The result fails, and no step of it can be spared.
func Shrink(s Script, fails func(Script) bool) Script {
	if len(s) > 0 && fails(nil) {
		return nil
	}
	for size := (len(s) + 1) / 2; len(s) > 0; {
		smaller := false
		for at := 0; at < len(s); {
			rest := slices.Concat(s[:at], s[min(at+size, len(s)):])
			if len(rest) < len(s) && fails(rest) {
				s, smaller = rest, true
			} else {
				at += size
			}
		}
		switch {
		case size > 1:
			size = (size + 1) / 2
		case !smaller:
			return s
		}
	}
	return s
}

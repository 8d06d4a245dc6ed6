// Package streamtest proves a backend of package stream against its contract. A backend's test is one call:
//
//	func TestConformance(t *testing.T) {
//		streamtest.Run(t, func(t testing.TB) streamtest.Harness {
//			return streamtest.Harness{Backend: open(t)}
//		})
//	}
//
// Each rule of the contract is a sentence in a comment of package stream, and has one test here, of the same name; what
// it says when it fails is that sentence. Each capability has a test too, from both sides: what is claimed must hold, what
// is not claimed must be refused. What cannot be tried, because the harness lacks an ability, is never passed over in
// silence: the Report says so, and why.
//
// # Rules
package streamtest

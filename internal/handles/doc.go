// Package handles keeps what an adapter's backend has open, so that its Close can end it: sinks, and members of groups. It
// is written once for all adapters.
package handles

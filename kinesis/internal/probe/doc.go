// Package probe finds out what streams can do, makes streams, and says both in the words of package stream.
package probe

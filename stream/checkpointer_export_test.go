package stream

import "os"

// TryLock lets tests of the file Checkpointer play the other process.
func TryLock(file *os.File) (bool, error) { return tryLock(file) }

package stream

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// FileCheckpointer returns a Checkpointer that keeps each group's checkpoints in one JSON file of the directory dir.
// The directory must exist: a path that is mistyped must not look like a group that has read nothing. What is wrong
// with it is said by every method: ErrNotFound, ErrInvalid (not a directory, no name) or ErrUnauthorized.
//
// A write replaces the file at once and is on disk (file and directory) when Acquire or Save returns; after a crash
// the file holds the last write or the one before. A file that is damaged or of another group is ErrCorrupt and never
// counts as absent; one that a newer version of the library has written is ErrUnsupported. Both stay as they are.
//
// Several processes may use the directory on one machine: a write is a read, a check and a replacement under the
// system's lock of a file beside the group's, which a process that dies gives back, so that a stale process finds the
// newer epoch and gets ErrLost. Network file systems whose locks are local to a machine do not give that. A write
// waits for the lock until ctx ends, and at most 10 s. Systems without such locks answer ErrUnsupported.
//
// A state may have 1 MiB and a group's file 64 MiB (ErrTooLarge beyond). Each write costs the whole file and a flush
// to disk, about 1 to 10 ms: checkpoint once a batch or by time, not once a record. Writes of one FileCheckpointer
// wait for each other.
func FileCheckpointer(dir string) Checkpointer {
	f := &fileCheckpointer{turn: make(chan struct{}, 1)}
	if dir == "" {
		f.bad = fmt.Errorf("%w: the checkpoint directory has no name", ErrInvalid)
		return f
	}
	// The working directory may change later; the checkpoints must not move with it.
	f.dir, f.bad = filepath.Abs(dir)
	return f
}

type fileCheckpointer struct {
	dir  string
	bad  error         // why dir can never work
	turn chan struct{} // holds one token: whoever put it in writes
}

// lockWait bounds the wait for another process, and lockPoll is the time between two tries.
const (
	lockWait = 10 * time.Second
	lockPoll = 5 * time.Millisecond
)

func (f *fileCheckpointer) Acquire(ctx context.Context, key CheckpointKey) (Checkpoint, error) {
	var acquired Checkpoint
	err := f.update(ctx, key, func(stored Checkpoint) (Checkpoint, error) {
		stored.Epoch++
		acquired = stored
		return stored, nil
	})
	if err != nil {
		return Checkpoint{}, placed("acquire", key, err)
	}
	return acquired, nil
}

func (f *fileCheckpointer) Load(ctx context.Context, key CheckpointKey) (Checkpoint, error) {
	saved, err := f.load(ctx, key.Group)
	if err != nil {
		return Checkpoint{}, placed("load", key, err)
	}
	return saved[key], nil
}

func (f *fileCheckpointer) Save(ctx context.Context, key CheckpointKey, c Checkpoint) error {
	err := f.update(ctx, key, func(stored Checkpoint) (Checkpoint, error) { return c, checkSave(stored, c) })
	return placed("save", key, err)
}

// load needs no lock where a file can be replaced under its readers: they see the old one or the new one.
func (f *fileCheckpointer) load(ctx context.Context, group string) (map[CheckpointKey]Checkpoint, error) {
	if err := errors.Join(f.bad, ctx.Err()); err != nil {
		return nil, err
	}
	if !readersLock {
		if err := f.checkDir(); err != nil {
			return nil, err
		}
		return f.read(group)
	}
	release, err := f.lock(ctx, group)
	if err != nil {
		return nil, err
	}
	defer release()
	return f.read(group)
}

// update reads the group's file, lets change decide about one key and replaces the file, all under the lock.
func (f *fileCheckpointer) update(
	ctx context.Context, key CheckpointKey, change func(stored Checkpoint) (Checkpoint, error),
) error {
	if err := errors.Join(f.bad, ctx.Err()); err != nil {
		return err
	}
	release, err := f.lock(ctx, key.Group)
	if err != nil {
		return err
	}
	defer release()
	saved, err := f.read(key.Group)
	if err != nil {
		return err
	}
	next, err := change(saved[key])
	if err != nil {
		return err
	}
	saved[key] = next
	data, err := encodeCheckpoints(key.Group, saved)
	if err != nil {
		return err
	}
	return f.replace(key.Group, data)
}

// lock waits for this process's other goroutines on a channel, which a bubble of testing/synctest understands, and
// then for other processes.
func (f *fileCheckpointer) lock(ctx context.Context, group string) (release func(), err error) {
	if err := f.checkDir(); err != nil {
		return nil, err
	}
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	file, err := f.lockFile(ctx, f.path(group, ".lock"))
	if err != nil {
		<-f.turn
		return nil, err
	}
	return func() {
		file.Close() // gives the lock back; nothing was written to the file
		<-f.turn
	}, nil
}

func (f *fileCheckpointer) lockFile(ctx context.Context, path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, explain(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lockWait,
		fmt.Errorf("%w: another process has held the group's lock for %v", context.DeadlineExceeded, lockWait))
	defer cancel()
	for {
		taken, err := tryLock(file)
		if err == nil && taken {
			return file, nil
		}
		if err == nil {
			err = pause(ctx, lockPoll)
		}
		if err != nil {
			file.Close()
			return nil, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (f *fileCheckpointer) checkDir() error {
	info, err := os.Stat(f.dir)
	switch {
	case err != nil:
		return explain(err)
	case !info.IsDir():
		return fmt.Errorf("%w: the checkpoint directory %s is a file", ErrInvalid, f.dir)
	}
	return nil
}

// read returns the group's checkpoints. Only a file that is not there, in a directory that is, means that there are
// none.
func (f *fileCheckpointer) read(group string) (map[CheckpointKey]Checkpoint, error) {
	path := f.path(group, ".json")
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[CheckpointKey]Checkpoint{}, f.checkDir()
	}
	if err != nil {
		return nil, explain(err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxCheckpointFile+1))
	switch {
	case err != nil:
		return nil, explain(err)
	case len(data) > maxCheckpointFile:
		return nil, fmt.Errorf("%w: %s has more than %d bytes", ErrCorrupt, path, maxCheckpointFile)
	}
	saved, err := decodeCheckpoints(group, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return saved, nil
}

// replace writes beside the file and renames. The name beside is always the same and written under the lock: what a
// crash leaves there is overwritten by the next write.
func (f *fileCheckpointer) replace(group string, data []byte) error {
	path, beside := f.path(group, ".json"), f.path(group, ".tmp")
	if err := writeSynced(beside, data); err != nil {
		return explain(err)
	}
	if err := os.Rename(beside, path); err != nil {
		return explain(err)
	}
	if err := syncDir(f.dir); err != nil {
		return fmt.Errorf("%w: the new file is in place and may not survive a crash: %w", ErrUnknownOutcome, err)
	}
	return nil
}

func writeSynced(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func (f *fileCheckpointer) path(group, suffix string) string {
	return filepath.Join(f.dir, fileName(group)+suffix)
}

// fileName makes a name that every file system takes: what is not a lower-case letter, a digit, "-" or "_" becomes
// %xx, upper case too, since some systems do not tell it from lower case; the prefix keeps clear of names that
// Windows reserves and serves the group "". A name that gets too long is told by its hash; the file's content names
// the group.
func fileName(group string) string {
	const longest = 200
	var b strings.Builder
	b.WriteString("group-")
	for i := range len(group) {
		c := group[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
		if b.Len() > longest {
			return fmt.Sprintf("long-%x", sha256.Sum256([]byte(group)))
		}
	}
	return b.String()
}

// explain adds the sentinel that a caller can act on.
func explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: the checkpoint directory does not exist; make it first: %w", ErrNotFound, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", ErrUnauthorized, err)
	}
	return err
}

package stream_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// saveSeven leaves a checkpoint of quakes in dir and returns the path of its file.
func saveSeven(t *testing.T, dir string) string {
	t.Helper()
	c := stream.FileCheckpointer(dir)
	got := acquired(t, c, quakes)
	save := stream.Checkpoint{Position: at(7), Epoch: got.Epoch, State: []byte("seven")}
	require.NoError(t, c.Save(t.Context(), quakes, save))
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 1, "one file a group")
	return files[0]
}

// refusedUnchanged checks that every method refuses what is in dir with the sentinel, and leaves the file alone.
func refusedUnchanged(t *testing.T, path string, sentinel error) {
	t.Helper()
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	c := stream.FileCheckpointer(filepath.Dir(path))
	_, err = c.Load(t.Context(), quakes)
	require.ErrorIs(t, err, sentinel)
	_, err = c.Acquire(t.Context(), quakes)
	require.ErrorIs(t, err, sentinel)
	require.ErrorIs(t, c.Save(t.Context(), quakes, stream.Checkpoint{Position: at(9), Epoch: 1}), sentinel)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}

func TestFileCheckpointerSurvivesReopening(t *testing.T) {
	dir := t.TempDir()
	saveSeven(t, dir)
	got := loaded(t, stream.FileCheckpointer(dir), quakes)
	require.Equal(t, stream.Checkpoint{Position: at(7), Epoch: 1, State: []byte("seven")}, got)
}

func TestFileCheckpointerKeepsPlaceWhenWorkingDirectoryChanges(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	c := stream.FileCheckpointer(".")
	acquired(t, c, quakes)
	t.Chdir(t.TempDir())
	require.EqualValues(t, 2, acquired(t, c, quakes).Epoch)
}

func TestFileCheckpointerIgnoresHalfWrittenTemporaryFile(t *testing.T) {
	dir := t.TempDir()
	beside := strings.TrimSuffix(saveSeven(t, dir), ".json") + ".tmp"
	require.NoError(t, os.WriteFile(beside, []byte(`{"schema":1,"gro`), 0o600))
	c := stream.FileCheckpointer(dir)
	require.Equal(t, at(7), loaded(t, c, quakes).Position)
	require.EqualValues(t, 2, acquired(t, c, quakes).Epoch, "the next write overwrites what the crash left")
	require.NoFileExists(t, beside)
}

func TestFileCheckpointerStartsAtNothingAfterCrashBeforeFirstWrite(t *testing.T) {
	dir := t.TempDir()
	path := saveSeven(t, dir)
	require.NoError(t, os.Rename(path, strings.TrimSuffix(path, ".json")+".tmp"))
	require.Equal(t, stream.Checkpoint{}, loaded(t, stream.FileCheckpointer(dir), quakes))
}

func TestFileCheckpointerRefusesEveryTruncation(t *testing.T) {
	path := saveSeven(t, t.TempDir())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for n := range len(whole) - 1 { // without its last byte, a line feed, the file is still whole
		require.NoError(t, os.WriteFile(path, whole[:n], 0o600))
		_, err := stream.FileCheckpointer(filepath.Dir(path)).Load(t.Context(), quakes)
		require.ErrorIs(t, err, stream.ErrCorrupt, "cut after %d bytes", n)
	}
	refusedUnchanged(t, path, stream.ErrCorrupt)
}

func TestFileCheckpointerRefusesEveryFlippedBit(t *testing.T) {
	dir := t.TempDir()
	path := saveSeven(t, dir)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	c := stream.FileCheckpointer(dir)
	for i := range len(whole) - 1 {
		damaged := append([]byte(nil), whole...)
		damaged[i] ^= 1
		require.NoError(t, os.WriteFile(path, damaged, 0o600))
		got, err := c.Load(t.Context(), quakes)
		require.Error(t, err, "byte %d gave %v", i, got)
	}
}

func TestFileCheckpointerRefusesDamage(t *testing.T) {
	whole := func(t *testing.T) (path, text string) {
		path = saveSeven(t, t.TempDir())
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		return path, string(data)
	}
	cases := []struct {
		name     string
		damage   func(text string) string
		sentinel error
	}{
		{"Empty", func(string) string { return "" }, stream.ErrCorrupt},
		{"Null", func(string) string { return "null" }, stream.ErrCorrupt},
		{"OtherJSON", func(string) string { return `{"schema":1}` }, stream.ErrCorrupt},
		{"ChangedPosition", func(s string) string { return strings.Replace(s, `"7"`, `"8"`, 1) }, stream.ErrCorrupt},
		{"OtherGroup", func(s string) string { return strings.Replace(s, "counts", "others", 1) }, stream.ErrCorrupt},
		{"Appended", func(s string) string { return s + s }, stream.ErrCorrupt},
		{"UnknownField", func(s string) string { return strings.Replace(s, "{", `{"more":1,`, 1) }, stream.ErrCorrupt},
		{"OlderSchema", func(s string) string { return strings.Replace(s, `"schema":1`, `"schema":0`, 1) }, stream.ErrCorrupt},
		{"NewerSchema", func(s string) string { return strings.Replace(s, `"schema":1`, `"schema":2`, 1) }, stream.ErrUnsupported},
		{"NewerLayout", func(string) string { return `{"schema":3,"pages":[]}` }, stream.ErrUnsupported},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path, text := whole(t)
			require.NotEqual(t, text, c.damage(text))
			require.NoError(t, os.WriteFile(path, []byte(c.damage(text)), 0o600))
			refusedUnchanged(t, path, c.sentinel)
		})
	}
}

func TestFileCheckpointerReadsIndentedFile(t *testing.T) {
	path := saveSeven(t, t.TempDir())
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(data), ",", ",\n  ")), 0o600))
	require.Equal(t, at(7), loaded(t, stream.FileCheckpointer(filepath.Dir(path)), quakes).Position)
}

func TestFileCheckpointerRefusesBadDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	cases := []struct {
		name, dir string
		sentinel  error
	}{
		{"NoName", "", stream.ErrInvalid},
		{"Missing", filepath.Join(t.TempDir(), "missing"), stream.ErrNotFound},
		{"File", file, stream.ErrInvalid},
		{"NulByte", "a\x00b", nil},
	}
	for _, bad := range cases {
		t.Run(bad.name, func(t *testing.T) {
			c := stream.FileCheckpointer(bad.dir)
			_, loadErr := c.Load(t.Context(), quakes)
			_, acquireErr := c.Acquire(t.Context(), quakes)
			saveErr := c.Save(t.Context(), quakes, stream.Checkpoint{Epoch: 1})
			for _, err := range []error{loadErr, acquireErr, saveErr} {
				require.Error(t, err)
				if bad.sentinel != nil {
					require.ErrorIs(t, err, bad.sentinel)
				}
			}
		})
	}
}

func TestFileCheckpointerRefusesDirectoryItMayNotWrite(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o500))
	if probe, err := os.Create(filepath.Join(dir, "probe")); err == nil { // an administrator may write everywhere
		require.NoError(t, probe.Close())
		acquired(t, stream.FileCheckpointer(dir), quakes)
		return
	}
	_, err := stream.FileCheckpointer(dir).Acquire(t.Context(), quakes)
	require.ErrorIs(t, err, stream.ErrUnauthorized)
}

func TestFileCheckpointerFencesStaleProcess(t *testing.T) {
	dir := t.TempDir()
	stale, fresh := stream.FileCheckpointer(dir), stream.FileCheckpointer(dir)
	epoch := acquired(t, stale, quakes).Epoch
	require.NoError(t, stale.Save(t.Context(), quakes, stream.Checkpoint{Position: at(3), Epoch: epoch}))
	next := acquired(t, fresh, quakes)
	require.Equal(t, at(3), next.Position)
	require.NoError(t, fresh.Save(t.Context(), quakes, stream.Checkpoint{Position: at(5), Epoch: next.Epoch}))
	err := stale.Save(t.Context(), quakes, stream.Checkpoint{Position: at(9), Epoch: epoch})
	require.ErrorIs(t, err, stream.ErrLost)
	require.Equal(t, at(5), loaded(t, stale, quakes).Position)
}

func TestFileCheckpointersOfOneDirectoryExcludeEachOther(t *testing.T) {
	dir := t.TempDir()
	checkOneWinner(t, &alternating{all: []stream.Checkpointer{stream.FileCheckpointer(dir), stream.FileCheckpointer(dir)}})
}

// alternating spreads calls over several Checkpointers of one place, as several processes would.
type alternating struct {
	all   []stream.Checkpointer
	calls atomic.Int64
}

func (a *alternating) next() stream.Checkpointer { return a.all[a.calls.Add(1)%int64(len(a.all))] }

func (a *alternating) Acquire(ctx context.Context, k stream.CheckpointKey) (stream.Checkpoint, error) {
	return a.next().Acquire(ctx, k)
}

func (a *alternating) Load(ctx context.Context, k stream.CheckpointKey) (stream.Checkpoint, error) {
	return a.next().Load(ctx, k)
}

func (a *alternating) Save(ctx context.Context, k stream.CheckpointKey, c stream.Checkpoint) error {
	return a.next().Save(ctx, k, c)
}

// holdLock takes the lock as another process would: by a file that it opened itself.
func holdLock(t *testing.T, path string) (release func()) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	taken, err := stream.TryLock(file)
	require.NoError(t, err)
	require.True(t, taken)
	return func() { file.Close() }
}

func TestFileCheckpointerWaitsForLockOfAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	release := holdLock(t, strings.TrimSuffix(saveSeven(t, dir), ".json")+".lock")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := stream.FileCheckpointer(dir).Acquire(ctx, quakes)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	release()
	require.EqualValues(t, 2, acquired(t, stream.FileCheckpointer(dir), quakes).Epoch)
}

func TestFileCheckpointerGivesUpOnLockInBubble(t *testing.T) {
	dir := t.TempDir()
	lock := strings.TrimSuffix(saveSeven(t, dir), ".json") + ".lock"
	defer holdLock(t, lock)()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		_, err := stream.FileCheckpointer(dir).Acquire(t.Context(), quakes)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "another process")
		require.Equal(t, 10*time.Second, time.Since(begun).Round(time.Second))
	})
}

// checkpointDir, in the environment, makes this test binary a child of TestFileCheckpointerAcrossProcesses.
const checkpointDir = "STREAMPORT_TEST_CHECKPOINT_DIR"

func TestFileCheckpointerAcrossProcesses(t *testing.T) {
	const rounds = 10
	if dir := os.Getenv(checkpointDir); dir != "" {
		c := stream.FileCheckpointer(dir)
		for range rounds {
			acquired(t, c, quakes)
		}
		return
	}
	dir := t.TempDir()
	var children sync.WaitGroup
	for range 3 {
		children.Go(func() {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
			child.Env = append(os.Environ(), checkpointDir+"="+dir)
			if out, err := child.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	children.Wait()
	require.EqualValues(t, 3*rounds, loaded(t, stream.FileCheckpointer(dir), quakes).Epoch, "no update was overwritten")
}

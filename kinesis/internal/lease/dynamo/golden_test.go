package dynamo_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lease/dynamo"
)

// live fills tables with what live workers of KCL 2.7.2 and 3.5.1 wrote, and returns their names.
func live(t *testing.T, fake *fakekinesis.Tables) []string {
	t.Helper()
	file, err := os.Open("testdata/kcl-lease-items.jsonl")
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	names := map[string]bool{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var line struct {
			Item  fakekinesis.Item
			Table string
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
		require.NoError(t, fake.Put(line.Table, line.Item))
		names[line.Table] = true
	}
	require.Len(t, names, 9)
	all := make([]string, 0, len(names))
	for name := range names {
		all = append(all, name)
	}
	return all
}

// isLease says it of an item as KCL 3.5 does.
func isLease(i fakekinesis.Item) bool {
	kind, ok := i["entityType"]
	return !ok || kind.Text() == "LEASE"
}

// each opens every table of the live workers and gives test its rows; what is no lease must stay as it is.
func each(t *testing.T, test func(t *testing.T, s *dynamo.Store, fake *fakekinesis.Tables, r lease.Row)) {
	t.Helper()
	fake := fakekinesis.NewTables(fakekinesis.TableOptions{PageItems: 2})
	leases := 0
	for _, name := range live(t, fake) {
		before := fake.Items(name)
		s, err := dynamo.Open(t.Context(), client(fake), name, false)
		require.NoError(t, err)
		rows, err := s.Scan(t.Context())
		require.NoError(t, err)
		for _, r := range rows {
			test(t, s, fake, r)
			leases++
		}
		for key, i := range before {
			if isLease(i) {
				delete(before, key)
				continue
			}
			_, ok, err := s.Get(t.Context(), key)
			require.NoError(t, err)
			require.False(t, ok)
			require.Equal(t, i, fake.Items(name)[key])
			_, err = s.Update(t.Context(), key, lease.Change{Raise: true, SetOwner: to("me")})
			require.ErrorIs(t, err, lease.ErrConflict, "what is no lease cannot be taken")
			require.Equal(t, i, fake.Items(name)[key])
		}
		require.Len(t, fake.Items(name), len(rows)+len(before))
	}
	require.Equal(t, 29, leases)
}

// changed requires that an item is as it was but for these attributes; zero Values are absent.
func changed(t *testing.T, was, is fakekinesis.Item, but fakekinesis.Item) {
	t.Helper()
	want := maps.Clone(was)
	for name, v := range but {
		if v.Kind() == "" {
			delete(want, name)
		} else {
			want[name] = v
		}
	}
	require.Equal(t, want.String(), is.String())
}

func attributes(t *testing.T, wire string) fakekinesis.Item {
	t.Helper()
	i, err := fakekinesis.ReadItem([]byte(wire))
	require.NoError(t, err)
	return i
}

func TestLiveLeasesAreTakenUnharmed(t *testing.T) {
	each(t, func(t *testing.T, s *dynamo.Store, fake *fakekinesis.Tables, r lease.Row) {
		was := fake.Items(s.Table())[r.Key]
		got, err := s.Update(t.Context(), r.Key, lease.Change{
			Counter: &r.Counter, Raise: true, SetOwner: to("me"), SetHandOver: to(""), AddSwitch: true,
		})
		require.NoError(t, err)
		r.Counter++
		r.Switches++
		r.Owner = "me"
		require.Equal(t, r, got)
		but := attributes(t, `{"leaseOwner":{"S":"me"}}`)
		but["leaseCounter"], but["ownerSwitchesSinceCheckpoint"] = n(t, r.Counter), n(t, r.Switches)
		changed(t, was, fake.Items(s.Table())[r.Key], but)
	})
}

func TestLiveLeasesAreCheckpointedUnharmed(t *testing.T) {
	each(t, func(t *testing.T, s *dynamo.Store, fake *fakekinesis.Tables, r lease.Row) {
		was := fake.Items(s.Table())[r.Key]
		_, err := s.Update(t.Context(), r.Key, lease.Change{
			Counter: &r.Counter, Owner: &r.Owner, Raise: true, Checkpoint: to("49680466801606503645877533265111989988134675514386284999"),
			Sub: 2, State: to([]byte("s")), Pos: to[int64](5),
		})
		require.NoError(t, err)
		but := attributes(t, `{"checkpoint":{"S":"49680466801606503645877533265111989988134675514386284999"},"checkpointSubSequenceNumber":{"N":"2"},
			"ownerSwitchesSinceCheckpoint":{"N":"0"},"xState":{"B":"cw=="},"xPosMs":{"N":"5"}}`)
		but["leaseCounter"] = n(t, r.Counter+1)
		for _, gone := range []string{"pendingCheckpoint", "pendingCheckpointSubSequenceNumber", "pendingCheckpointState"} {
			but[gone] = fakekinesis.Value{}
		}
		changed(t, was, fake.Items(s.Table())[r.Key], but)
	})
}

func TestLiveLeasesAreGivenUpUnharmed(t *testing.T) {
	each(t, func(t *testing.T, s *dynamo.Store, fake *fakekinesis.Tables, r lease.Row) {
		was := fake.Items(s.Table())[r.Key]
		_, err := s.Update(t.Context(), r.Key, lease.Change{Counter: &r.Counter, Owner: &r.Owner, Raise: true, SetOwner: to("")})
		require.NoError(t, err)
		changed(t, was, fake.Items(s.Table())[r.Key], fakekinesis.Item{"leaseOwner": {}, "leaseCounter": n(t, r.Counter+1)})
	})
}

func TestLiveLeasesAreAnnotatedUnharmed(t *testing.T) {
	each(t, func(t *testing.T, s *dynamo.Store, fake *fakekinesis.Tables, r lease.Row) {
		was := fake.Items(s.Table())[r.Key]
		_, err := s.Update(t.Context(), r.Key, lease.Change{StartAbsent: true, Start: to[int64](1), Born: to[int64](2)})
		if r.Own.Start != nil {
			require.ErrorIs(t, err, lease.ErrConflict)
			changed(t, was, fake.Items(s.Table())[r.Key], nil)
			return
		}
		require.NoError(t, err)
		changed(t, was, fake.Items(s.Table())[r.Key], attributes(t, `{"xStartMs":{"N":"1"},"xBornMs":{"N":"2"}}`))
	})
}

// n is a number as an attribute.
func n(t *testing.T, v int64) fakekinesis.Value {
	t.Helper()
	return attributes(t, fmt.Sprintf(`{"n":{"N":"%d"}}`, v))["n"]
}

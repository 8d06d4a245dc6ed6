package stream

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"unicode/utf8"
)

// checkpointSchema is the version of the checkpoint file's layout that this package writes. A file of a newer one is
// refused, since what it says is not known here.
const checkpointSchema = 1

// maxCheckpointFile bounds one group's file. It is read whole at each operation.
const maxCheckpointFile = 64 << 20

// checkpointFile is one group's file: JSON, so that an operator can read it, with a checksum, so that a damaged
// position is noticed and not read on from. Sum is the CRC-32C of Checkpoints without white space.
type checkpointFile struct {
	Schema      int             `json:"schema"`
	Group       string          `json:"group"`
	Sum         string          `json:"crc32c"`
	Checkpoints json.RawMessage `json:"checkpoints"`
}

// checkpointEntry is one partition of the file. Stream and partition are escaped, for JSON has no bytes that are not
// UTF-8.
type checkpointEntry struct {
	Stream    string   `json:"stream"`
	Partition string   `json:"partition"`
	Position  Position `json:"position"`
	Epoch     int64    `json:"epoch"`
	State     []byte   `json:"state"` // null: none
}

// encodeCheckpoints writes a group's checkpoints, sorted, so that equal checkpoints are equal files.
func encodeCheckpoints(group string, saved map[CheckpointKey]Checkpoint) ([]byte, error) {
	entries := make([]checkpointEntry, 0, len(saved))
	for key, c := range saved {
		entries = append(entries, checkpointEntry{
			Stream: escapeText(key.Stream), Partition: escapeText(key.Partition),
			Position: c.Position, Epoch: c.Epoch, State: c.State,
		})
	}
	slices.SortFunc(entries, func(a, b checkpointEntry) int {
		return cmp.Or(strings.Compare(a.Stream, b.Stream), strings.Compare(a.Partition, b.Partition))
	})
	raw, err := json.Marshal(entries)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(checkpointFile{
		Schema: checkpointSchema, Group: escapeText(group), Sum: checkpointSum(raw), Checkpoints: raw,
	})
	if err != nil {
		return nil, err
	}
	if len(data) >= maxCheckpointFile {
		return nil, fmt.Errorf("%w: the group's file would have %d bytes, at most %d are taken",
			ErrTooLarge, len(data), maxCheckpointFile)
	}
	return append(data, '\n'), nil
}

// decodeCheckpoints reads a group's file. What does not decode whole is ErrCorrupt, a newer schema ErrUnsupported.
func decodeCheckpoints(group string, data []byte) (map[CheckpointKey]Checkpoint, error) {
	var version struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("%w: the checkpoint file does not decode: %w", ErrCorrupt, err)
	}
	if version.Schema > checkpointSchema {
		return nil, fmt.Errorf("%w: the checkpoint file has schema %d, this library knows %d; use a newer one",
			ErrUnsupported, version.Schema, checkpointSchema)
	}
	var file checkpointFile
	if err := decodeStrictly(data, &file); err != nil {
		return nil, err
	}
	var entries []checkpointEntry
	switch {
	case file.Schema != checkpointSchema:
		return nil, fmt.Errorf("%w: the checkpoint file has schema %d", ErrCorrupt, file.Schema)
	case file.Group != escapeText(group):
		return nil, fmt.Errorf("%w: the checkpoint file is of another group, %.80q", ErrCorrupt, file.Group)
	case file.Sum != checkpointSum(file.Checkpoints):
		return nil, fmt.Errorf("%w: the checkpoint file fails its checksum", ErrCorrupt)
	}
	if err := decodeStrictly(file.Checkpoints, &entries); err != nil {
		return nil, err
	}
	return collectCheckpoints(group, entries)
}

func collectCheckpoints(group string, entries []checkpointEntry) (map[CheckpointKey]Checkpoint, error) {
	saved := make(map[CheckpointKey]Checkpoint, len(entries))
	for _, e := range entries {
		stream, okStream := unescapeText(e.Stream)
		partition, okPartition := unescapeText(e.Partition)
		key := CheckpointKey{Group: group, Stream: stream, Partition: partition}
		_, twice := saved[key]
		if !okStream || !okPartition || twice || e.Epoch < 1 || len(e.State) > maxCheckpointState {
			return nil, fmt.Errorf("%w: the checkpoint file has an entry that was never written", ErrCorrupt)
		}
		saved[key] = Checkpoint{Position: e.Position, Epoch: e.Epoch, State: e.State}
	}
	return saved, nil
}

// decodeStrictly refuses unknown fields. That nothing follows the value was checked when the schema was read.
func decodeStrictly(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: the checkpoint file does not decode: %w", ErrCorrupt, err)
	}
	return nil
}

func checkpointSum(raw []byte) string {
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return "" // never equal to a sum that was written
	}
	return fmt.Sprintf("%08x", crc32.Checksum(compact.Bytes(), crc32.MakeTable(crc32.Castagnoli)))
}

// escapeText writes any bytes as UTF-8: text stays as it is, but for "%" and what is not UTF-8, which become %xx.
func escapeText(s string) string {
	if utf8.ValidString(s) && !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if s[i] == '%' || (r == utf8.RuneError && size == 1) {
			fmt.Fprintf(&b, "%%%02x", s[i])
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// unescapeText takes what escapeText writes, and nothing else.
func unescapeText(s string) (string, bool) {
	if !strings.Contains(s, "%") {
		return s, utf8.ValidString(s)
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		high, low := strings.IndexByte(hexDigits, s[i+1]), strings.IndexByte(hexDigits, s[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		b = append(b, byte(high<<4|low))
		i += 2
	}
	return string(b), escapeText(string(b)) == s
}

const hexDigits = "0123456789abcdef"

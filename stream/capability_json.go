package stream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// MarshalText returns the degree in lower case. A degree that there is not is ErrInvalid.
func (s Support) MarshalText() ([]byte, error) {
	if s > Native {
		return nil, fmt.Errorf("%w: there is no degree of support %d", ErrInvalid, s)
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads what MarshalText writes; everything else is ErrInvalid, and s is then unchanged.
func (s *Support) UnmarshalText(text []byte) error {
	for degree, name := range supportNames {
		if name == string(text) {
			*s = Support(degree)
			return nil
		}
	}
	return fmt.Errorf("%w: %.40q is no degree of support", ErrInvalid, text)
}

// MarshalJSON writes an object with every field of c, in their order and under their names in lower case with
// underscores: {"partition_order":{"support":"native","source":"declared","reason":""},…}. Times are texts such as
// "24h0m0s", sizes are numbers of bytes.
func (c Capabilities) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for field, value := range reflect.ValueOf(c).Fields() {
		text, err := json.Marshal(value.Interface())
		if err != nil {
			return nil, err
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "%q:%s", keyOf(field.Name), text)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads what MarshalJSON writes, exactly. Keys that it does not know are ignored, since a newer version of
// this library may have written them; a key that is not there leaves its field as it was. A value that cannot be is
// ErrInvalid, and c is then unchanged.
func (c *Capabilities) UnmarshalJSON(text []byte) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return fmt.Errorf("%w: capabilities: %w", ErrInvalid, err)
	}
	read := *c
	for field, target := range reflect.ValueOf(&read).Elem().Fields() {
		key := keyOf(field.Name)
		value, ok := values[key]
		if !ok {
			continue
		}
		if err := json.Unmarshal(value, target.Addr().Interface()); err != nil {
			return fmt.Errorf("%w: capabilities: %s: %w", ErrInvalid, key, err)
		}
	}
	if read.Partitions < 0 {
		return fmt.Errorf("%w: capabilities: partitions: %d", ErrInvalid, read.Partitions)
	}
	*c = read
	return nil
}

// keyOf makes partition_order of PartitionOrder.
func keyOf(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// retentionJSON is Retention with times as texts.
type retentionJSON struct {
	Current   string `json:"current"`
	Max       string `json:"max"`
	Unlimited bool   `json:"unlimited"`
	Bytes     int64  `json:"bytes"`
	Source    string `json:"source"`
	Reason    string `json:"reason"`
}

func (r Retention) json() retentionJSON {
	return retentionJSON{r.Current.String(), r.Max.String(), r.Unlimited, r.Bytes, r.Source, r.Reason}
}

// MarshalJSON writes times as texts such as "24h0m0s".
func (r Retention) MarshalJSON() ([]byte, error) { return json.Marshal(r.json()) }

// UnmarshalJSON reads what MarshalJSON writes. A negative time or size is ErrInvalid, and r is then unchanged.
func (r *Retention) UnmarshalJSON(text []byte) error {
	if bytes.Equal(text, []byte("null")) {
		return nil
	}
	read := r.json()
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	current, err := time.ParseDuration(read.Current)
	if err != nil {
		return fmt.Errorf("%w: current: %w", ErrInvalid, err)
	}
	most, err := time.ParseDuration(read.Max)
	if err != nil {
		return fmt.Errorf("%w: max: %w", ErrInvalid, err)
	}
	if current < 0 || most < 0 || read.Bytes < 0 {
		return fmt.Errorf("%w: a negative time or size", ErrInvalid)
	}
	*r = Retention{current, most, read.Unlimited, read.Bytes, read.Source, read.Reason}
	return nil
}

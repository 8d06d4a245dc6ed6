package fakekinesis

import (
	"encoding/binary"
	"errors"
	"math"
)

// Major types of CBOR (RFC 8949 §3.1), in the upper three bits.
const (
	cborUint  = 0
	cborNeg   = 1
	cborBytes = 2
	cborText  = 3
	cborList  = 4
	cborMap   = 5
	cborTag   = 6
	cborPlain = 7
)

const (
	cborOpen  = 31 // an indefinite length, and with cborPlain the break that ends one
	cborDepth = 16 // of containers in an input
)

var errCBOR = errors.New("malformed cbor")

// A cborReader decodes one value into maps, lists, bytes, texts, numbers and truths.
type cborReader struct {
	rest  []byte
	depth int
}

// head reads a major type and its argument; open: the length is indefinite, or it is a break.
func (r *cborReader) head() (major byte, info byte, arg uint64, open bool, err error) {
	if len(r.rest) == 0 {
		return 0, 0, 0, false, errCBOR
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	major, info = b>>5, b&31
	switch {
	case info < 24:
		return major, info, uint64(info), false, nil
	case info == cborOpen:
		return major, info, 0, true, nil
	case info > 27:
		return 0, 0, 0, false, errCBOR
	}
	n := 1 << (info - 24)
	if len(r.rest) < n {
		return 0, 0, 0, false, errCBOR
	}
	var word [8]byte
	copy(word[8-n:], r.rest[:n])
	r.rest = r.rest[n:]
	return major, info, binary.BigEndian.Uint64(word[:]), false, nil
}

// value reads one value. A break is errBreak.
func (r *cborReader) value() (any, error) {
	major, info, arg, open, err := r.head()
	if err != nil {
		return nil, err
	}
	switch major {
	case cborUint:
		return int64(arg), nil
	case cborNeg:
		return -1 - int64(arg), nil
	case cborBytes, cborText:
		b, err := r.text(major, arg, open)
		if major == cborText {
			return string(b), err
		}
		return b, err
	case cborList, cborMap:
		return r.container(major, arg, open)
	case cborTag: // of times; their form is known without it
		return r.value()
	}
	return plain(info, arg, open)
}

var errBreak = errors.New("break")

// plain reads truths, nothing, and floating-point numbers.
func plain(info byte, arg uint64, open bool) (any, error) {
	switch {
	case open:
		return nil, errBreak
	case info == 20, info == 21:
		return info == 21, nil
	case info == 22, info == 23:
		return nil, nil
	case info == 26:
		return float64(math.Float32frombits(uint32(arg))), nil
	case info == 27:
		return math.Float64frombits(arg), nil
	}
	return nil, errCBOR
}

// text reads bytes, in chunks if their length is indefinite.
func (r *cborReader) text(major byte, n uint64, open bool) ([]byte, error) {
	if !open {
		if n > uint64(len(r.rest)) {
			return nil, errCBOR
		}
		b := r.rest[:n:n]
		r.rest = r.rest[n:]
		return b, nil
	}
	all := []byte{}
	for {
		m, _, n, open, err := r.head()
		switch {
		case err != nil:
			return nil, err
		case m == cborPlain && open:
			return all, nil
		case m != major || open:
			return nil, errCBOR
		}
		chunk, err := r.text(major, n, false)
		if err != nil {
			return nil, err
		}
		all = append(all, chunk...)
	}
}

// container reads a list or a map.
func (r *cborReader) container(major byte, n uint64, open bool) (any, error) {
	r.depth++
	defer func() { r.depth-- }()
	if r.depth > cborDepth {
		return nil, errCBOR
	}
	list, fields := []any{}, map[string]any{}
	for i := uint64(0); open || i < n; i++ {
		v, err := r.value()
		if open && errors.Is(err, errBreak) {
			break
		}
		if err != nil {
			return nil, errCBOR
		}
		if major == cborList {
			list = append(list, v)
			continue
		}
		name, ok := v.(string)
		if v, err = r.value(); err != nil || !ok {
			return nil, errCBOR
		}
		fields[name] = v
	}
	if major == cborList {
		return list, nil
	}
	return fields, nil
}

package aggregate

import (
	"iter"
)

// A Part is one record of an aggregate. Its slices are parts of the data that was parsed.
type Part struct {
	Index   int    // counted from 0
	Key     []byte // partition key
	Hash    []byte // explicit hash key in decimal; nil: there is none
	Data    []byte // never nil
	keyAt   uint32 // in the table
	hashAt  uint32
	message span // of the record
	data    []byte
}

// Tags are the tags, in order. Their values are parts of the data, their names are copied.
func (p Part) Tags() iter.Seq[Tag] {
	return func(yield func(Tag) bool) {
		for at := int(p.message.from); at < int(p.message.to); {
			f, next, _ := nextField(p.data, at, int(p.message.to)) // parsed before
			at = next
			if f.number != tagTag>>3 || f.wire != wireBytes {
				continue
			}
			name, value := tag(p.data, f.value)
			t := Tag{Name: string(p.data[name.from:name.to])}
			if value.to != 0 {
				t.Value = p.data[value.from:value.to:value.to]
			}
			if !yield(t) {
				return
			}
		}
	}
}

// tag finds name and value of a tag; a value that is not there is the zero span.
func tag(data []byte, message span) (name, value span) {
	for at, end := int(message.from), int(message.to); at < end; {
		f, next, _ := nextField(data, at, end) // surveyed before
		at = next
		switch f.number<<3 | f.wire {
		case tagName:
			name = f.value
		case tagValue:
			value = f.value
		}
	}
	return name, value
}

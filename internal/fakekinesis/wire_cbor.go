package fakekinesis

import "reflect"

// contentCBOR is the protocol's other form, Amazon's Java SDK's own: names and outputs as in JSON, blobs as bytes, times as
// milliseconds.
const contentCBOR = "application/x-amz-cbor-1.1"

// cborFormat speaks CBOR; loose: with maps of indefinite length.
func cborFormat(loose bool) format {
	write := func(out any) []byte { return shape{}.append(nil, reflect.ValueOf(out), loose) }
	return format{
		content: contentCBOR,
		read:    readCBOR,
		write: func(out any) ([]byte, *failure) {
			if out == nil {
				return nil, nil
			}
			return write(out), nil
		},
		fail: func(f *failure) []byte { return write(wireError{f.code, f.message}) },
	}
}

func readCBOR(in request, body []byte) error {
	r := &cborReader{rest: body}
	v, err := r.value()
	if err != nil {
		return err
	}
	return shape{}.fill(reflect.ValueOf(in).Elem(), v)
}

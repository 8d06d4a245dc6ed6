package fakekinesis

const contentCBOR = "application/x-amz-cbor-1.1"

func readCBOR(op string, body []byte) (request, *failure) {
	return nil, fail(codeUnreadable, "unsupported")
}
func writeCBOR(out any) ([]byte, *failure) { return nil, fail(codeUnreadable, "unsupported") }
func failCBOR(f *failure) []byte           { return nil }

package fakekinesis

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
)

// seal makes an opaque text of v, for tokens and iterators. What the service did not make is not unsealed.
func seal(v any) string {
	body, _ := json.Marshal(v) // tokens are plain structs: it cannot fail
	sum := binary.BigEndian.AppendUint64(nil, word(string(body)))
	return base64.StdEncoding.EncodeToString(append(sum, body...))
}

// unseal reads what seal made.
func unseal(text string, v any) bool {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) < 8 || binary.BigEndian.Uint64(raw) != word(string(raw[8:])) {
		return false
	}
	return json.Unmarshal(raw[8:], v) == nil
}

package cbor

import "strings"

// ReadFailure reads an error: its code, without a namespace, and its message. The code is "" if p is none.
func ReadFailure(p []byte) (code, message string) {
	s := scan{p: p}
	words := arena{}
	s.each(object, func(name []byte) bool {
		switch string(name) {
		case "__type", "code":
			code = s.words(&words)
		case "message", "Message":
			message = s.words(&words)
		default:
			return s.skip()
		}
		return true
	})
	if s.bad {
		return "", ""
	}
	_, after, found := strings.Cut(code, "#")
	if found {
		code = after
	}
	code, _, _ = strings.Cut(code, ":")
	return code, message
}
